#pragma once
// English endings: the algorithm of M. F. Porter, "An algorithm for suffix stripping" (1980), after
// a table of irregular forms (went -> go, children -> child).

#include <string>
#include <string_view>

namespace ac::search {

// `word` is lower-case ASCII letters; anything else comes back as it is.
std::string stem(std::string_view word);

}  // namespace ac::search
