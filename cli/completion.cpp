#include "cli/completion.h"

#include <fmt/format.h>

namespace ac::cli {
namespace {

// A text inside single quotes, with what would end it or mean something to zsh's lists replaced.
std::string quotable(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'' || c == '\\' || c == '\n') continue;
        out += c == ':' ? ',' : c;
    }
    return out;
}

std::string paths_of_commands(const std::vector<CompletionNode>& nodes,
                              std::string_view separator) {
    std::string out;
    for (const CompletionNode& node : nodes) {
        if (node.path.empty()) continue;
        out += (out.empty() ? "'" : std::string(separator) + "'") + node.path + "'";
    }
    return out;
}

std::string bash_script(const std::vector<CompletionNode>& nodes) {
    std::string cases;
    for (const CompletionNode& node : nodes) {
        std::string words;
        for (const CompletionWord& word : node.words)
            words += (words.empty() ? "" : " ") + word.word;
        cases += fmt::format("        '{}') words='{}' ;;\n", node.path, words);
    }
    return fmt::format(R"(# agentcore completion bash
_agentcore() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} path='' words='' word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
            {}) path="$path $word" ;;
        esac
    done
    case "$path" in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [ "${{#COMPREPLY[@]}}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _agentcore agentcore
)",
                       paths_of_commands(nodes, "|"), cases);
}

std::string zsh_script(const std::vector<CompletionNode>& nodes) {
    std::string cases;
    for (const CompletionNode& node : nodes) {
        std::string words;
        for (const CompletionWord& word : node.words)
            words += fmt::format(" '{}:{}'", word.word, quotable(word.description));
        cases += fmt::format("        '{}') candidates=({} ) ;;\n", node.path, words);
    }
    return fmt::format(R"(#compdef agentcore
_agentcore() {{
    local path_so_far='' word
    local -a candidates
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$path_so_far $word" in
            {}) path_so_far="$path_so_far $word" ;;
        esac
    done
    case "$path_so_far" in
{}    esac
    _describe 'agentcore' candidates || _files
}}
compdef _agentcore agentcore
)",
                       paths_of_commands(nodes, "|"), cases);
}

std::string fish_script(const std::vector<CompletionNode>& nodes) {
    std::string lines;
    for (const CompletionNode& node : nodes)
        for (const CompletionWord& word : node.words)
            lines +=
                fmt::format("complete -c agentcore -n \"__agentcore_at '{}'\" -a '{}' -d '{}'\n",
                            node.path, word.word, quotable(word.description));
    return fmt::format(R"(# agentcore completion fish
function __agentcore_at
    set -l path ''
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case {}
                set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end
{})",
                       paths_of_commands(nodes, " "), lines);
}

}  // namespace

Expected<std::string> completion_script(std::string_view shell,
                                        const std::vector<CompletionNode>& nodes) {
    if (shell == "bash") return bash_script(nodes);
    if (shell == "zsh") return zsh_script(nodes);
    if (shell == "fish") return fish_script(nodes);
    return failed(ExitCode::usage, fmt::format("{} is not bash, zsh or fish", shell));
}

}  // namespace ac::cli
