#pragma once
// A text in which '*' stands for any characters and '?' for exactly one, as IAM policies use it.
// Matching takes time linear in the text (times the pattern's length over 64), whatever the
// pattern: nobody's policy can hold a thread.

#include <string>
#include <string_view>
#include <vector>

namespace ac::access {

class Wildcard final {
  public:
    Wildcard() = default;
    explicit Wildcard(std::string_view pattern) { add_pattern(pattern); }

    // Both append; UTF-8. '*' and '?' of a literal are themselves.
    void add_pattern(std::string_view pattern);
    void add_literal(std::string_view text);

    // The whole of `text`, which is UTF-8.
    bool matches(std::string_view text) const;
    bool is_wild() const { return segments_.size() > 1 || segments_.front().has_any; }

  private:
    // What stands between two stars; kAny bytes are '?'.
    struct Segment {
        std::string text;
        bool has_any = false;
    };
    std::vector<Segment> segments_{Segment{}};
};

}  // namespace ac::access
