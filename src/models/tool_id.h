#pragma once
// Ids of tool uses as Converse takes them: [a-zA-Z0-9_.:-], 1 to 64.

#include <string>
#include <string_view>

namespace ac::models {

// `id` with other characters replaced; where a provider gave none, one made of the number of the
// call in its answer.
inline std::string tool_id_or_new(std::string_view id, int number) {
    constexpr std::size_t kBytesMax = 64;
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    if (id.empty()) return "tooluse_" + std::to_string(number);
    std::string out(id.substr(0, kBytesMax));
    for (char& c : out)
        if (kAllowed.find(c) == kAllowed.npos) c = '_';
    return out;
}

}  // namespace ac::models
