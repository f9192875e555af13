#pragma once
// The regular expressions of the API model. A pattern must match the whole value. Each is compiled
// at its first use and then shared; a value that makes a pattern work beyond
// kPatternMatchLimit counts as no match.

#include <memory>
#include <span>
#include <string_view>

namespace ac::wire {

class Patterns final {
  public:
    Patterns();
    ~Patterns();

    // Before use, for every pattern that will be asked for. The text must outlive this; the same
    // text at another address is another pattern.
    void add(std::string_view pattern);
    // `value` is valid UTF-8. Thread-safe. Asserts that the pattern was added and compiles.
    bool matches(std::string_view pattern, std::string_view value) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ac::wire
