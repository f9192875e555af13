#pragma once
// What somebody does again and again, or no longer: the verb and its object, however it is put.

#include <optional>
#include <string>
#include <vector>

#include "search/tokenizer.h"

namespace ac::memory {

// "I no longer drink coffee", "I drink coffee every morning": "drink coffe". Empty: there is none.
std::string english_habit(const std::vector<search::Word>& words);

struct KoreanHabit {
    std::string verb;
    std::string object;
};
// "이제 커피는 안 마셔": 마시, 커피.
std::optional<KoreanHabit> korean_habit(const std::vector<search::Word>& words);

}  // namespace ac::memory
