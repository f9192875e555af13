#include "cli/package/ignore_rules.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace ac::cli {
namespace {

constexpr std::array<std::string_view, 17> kAlwaysOut = {
    ".git",          ".hg",       ".svn",         "__pycache__", "*.pyc",
    ".venv",         "venv",      "node_modules", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".DS_Store", ".idea",        ".vscode",     ".bedrock_agentcore*",
    ".env",          ".env.*"};

std::string_view last_element(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Matches one [...] at pattern[0]; sets `length` to its length, or to 0 when it is no class.
bool class_matches(std::string_view pattern, char c, std::size_t& length) {
    length = 0;
    const auto end = pattern.find(']', 2);
    if (end == std::string_view::npos) return false;
    length = end + 1;
    std::string_view body = pattern.substr(1, end - 1);
    const bool negated = body.starts_with('!') || body.starts_with('^');
    if (negated) body.remove_prefix(1);
    bool found = false;
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (i + 2 < body.size() && body[i + 1] == '-') {
            found = found || (body[i] <= c && c <= body[i + 2]);
            i += 2;
        } else {
            found = found || body[i] == c;
        }
    }
    return found != negated;
}

bool match(std::string_view pattern, std::string_view path, int& steps_left);

// The rest of the pattern after a * or ** may begin at any later place.
bool match_star(std::string_view rest, std::string_view path, bool crosses_slash, int& steps_left) {
    for (std::size_t i = 0; i <= path.size(); ++i) {
        if (match(rest, path.substr(i), steps_left)) return true;
        if (!crosses_slash && i < path.size() && path[i] == '/') return false;
    }
    return false;
}

// `steps_left` bounds the backtracking of patterns such as *a*a*a*a*b.
bool match(std::string_view pattern, std::string_view path, int& steps_left) {
    while (!pattern.empty()) {
        if (--steps_left < 0) return false;
        if (pattern.starts_with("**")) {
            const std::string_view rest = pattern.substr(2);
            if (rest.starts_with('/') && match(rest.substr(1), path, steps_left)) return true;
            return match_star(rest, path, true, steps_left);
        }
        if (pattern.front() == '*') return match_star(pattern.substr(1), path, false, steps_left);
        if (path.empty()) return false;
        std::size_t used = 1;
        if (pattern.front() == '[') {
            const bool matches = class_matches(pattern, path.front(), used);
            if (used > 0 && !matches) return false;
            if (used == 0 && path.front() != '[') return false;
            if (used == 0) used = 1;
        } else if (pattern.front() == '?') {
            if (path.front() == '/') return false;
        } else {
            if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
            if (pattern.front() != path.front()) return false;
        }
        pattern.remove_prefix(used);
        path.remove_prefix(1);
    }
    return path.empty();
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
    int steps_left = 100'000;
    return match(pattern, path, steps_left);
}

void IgnoreRules::add(std::string_view text, bool anchored) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        line = trim(line);
        if (line.empty() || line.front() == '#') continue;
        Rule rule{.pattern = {}, .anchored = anchored};
        if (line.front() == '!') {
            rule.negated = true;
            line.remove_prefix(1);
        }
        if (line.ends_with('/')) {
            rule.folders_only = true;
            line.remove_suffix(1);
        }
        rule.anchored = rule.anchored || line.find('/') != std::string_view::npos;
        if (line.starts_with("./")) line.remove_prefix(2);
        if (line.starts_with('/')) line.remove_prefix(1);
        if (line.empty()) continue;
        rule.pattern = std::string(line);
        rules_.push_back(std::move(rule));
    }
}

bool IgnoreRules::excludes(std::string_view path, bool is_folder) const {
    const std::string_view name = last_element(path);
    if (std::ranges::any_of(kAlwaysOut, [&](auto rule) { return glob_matches(rule, name); }))
        return true;
    for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
        if (rule->folders_only && !is_folder) continue;
        if (glob_matches(rule->pattern, rule->anchored ? path : name)) return !rule->negated;
    }
    return false;
}

}  // namespace ac::cli
