#pragma once
// Which files of a source folder are left out of the package: version control, caches, virtual
// environments, secrets (.env), and what .gitignore and .dockerignore in the folder's root say.
// Supported of gitignore(5): comments, negation (!), anchoring (/), folders only (trailing /), *,
// ?, [...], **. The last rule that matches decides.

#include <string>
#include <string_view>
#include <vector>

namespace ac::cli {

class IgnoreRules final {
  public:
    // With the built-in rules, which files cannot overrule.
    IgnoreRules() = default;

    void add_gitignore(std::string_view text) { add(text, false); }
    // .dockerignore patterns are always anchored at the root.
    void add_dockerignore(std::string_view text) { add(text, true); }

    // `path` is relative with '/' separators and no leading one.
    bool excludes(std::string_view path, bool is_folder) const;

  private:
    struct Rule {
        std::string pattern;
        bool negated = false;
        bool folders_only = false;
        bool anchored = false;
    };

    void add(std::string_view text, bool anchored);
    std::vector<Rule> rules_;
};

// gitignore(5) globs: * and ? stop at '/', ** does not. The work is bounded whatever the pattern.
bool glob_matches(std::string_view pattern, std::string_view path);

}  // namespace ac::cli
