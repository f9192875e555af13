#pragma once
// What a sentence of a talk is, told by its words, in English and Korean: a question, something
// addressed to a machine, small talk, or something said about somebody or something. For the
// built-in engine's parts; nothing here knows about records.

#include <string>
#include <string_view>
#include <vector>

#include "search/tokenizer.h"

namespace ac::memory {

// Lower-case, with plain apostrophes, in ASCII's range.
std::string plain_lower(std::string_view text);
// The words without marks and what cannot be seen, so that none of it hides a word.
std::string bare(std::string_view text);
// Whether the phrase is there and does not begin within a word.
bool holds(std::string_view lower, std::string_view phrase);

bool is_question(std::string_view sentence);
// "i", "my", "we": the speaker is in it. `words` as search::split_words() gives them.
bool is_first_person(const std::vector<search::Word>& words);
// Words that say something: no pronouns, no interjections, no praise.
std::size_t informative_words(const std::vector<search::Word>& words);
// Greetings, thanks, wishes, praise, agreement, comfort, and what says next to nothing.
bool is_small_talk(std::string_view sentence);
// "Hey Anna, yeah, I moved." without what opens it: "I moved."
std::string without_opening(std::string_view sentence);

}  // namespace ac::memory
