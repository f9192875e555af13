#pragma once
// What a statement is about, so that a later one about the same takes its place: what a person has
// one of at a time (a home, an employer, a diet), what somebody does again and again ("I drink
// coffee", "I no longer drink coffee"), what is liked or not. English and Korean.

#include <string>
#include <string_view>

namespace ac::memory {

// Of a fact that may change; empty: of none.
std::string fact_subject(const std::string& speaker, std::string_view sentence);
// Of a like, a dislike, a want or a habit; empty: the sentence states none.
std::string preference_subject(const std::string& speaker, std::string_view sentence);
// The same for texts that differ in case, order, endings, marks and stressing words only.
std::string text_subject(const std::string& speaker, std::string_view text);

}  // namespace ac::memory
