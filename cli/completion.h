#pragma once
// Scripts that complete command lines in shells, made from what the parser knows.

#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"

namespace ac::cli {

struct CompletionWord {
    std::string word;  // "deploy", "--json"
    std::string description;
};

// What may follow one command.
struct CompletionNode {
    std::string path;  // " memory list"; empty: the program itself
    std::vector<CompletionWord> words;
};

// `shell`: bash, zsh or fish; usage.
Expected<std::string> completion_script(std::string_view shell,
                                        const std::vector<CompletionNode>& nodes);

}  // namespace ac::cli
