#pragma once
// Long strings of a JSON text (files in base64), taken out before it is parsed: the parser sees a
// placeholder, and the bytes stay where the body's are, so that 100 MB are neither copied nor
// looked at one by one. The handler of an operation that takes files gets this for its body, and
// puts them back with find().

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/body.h"

namespace ac::wire {

// Only strings without escapes are lifted, from this length on.
inline constexpr std::size_t kLiftedBytesMin = std::size_t{1} << 20;

class LiftedTexts final : public net::Body {
  public:
    // As a body it has been read.
    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return 0; }

    // The text to parse instead of `body`. What is no JSON stays so.
    static std::string lift(std::string body, Random& random, LiftedTexts& lifted);

    // Which one `value`, a string of the parsed text, stands for; as base64 it may have been
    // decoded. nullopt: for itself. Placeholders cannot be guessed, so none is a caller's.
    std::optional<std::size_t> find(std::string_view value) const;
    // Not looked at so far: control characters and bytes that are no UTF-8 may be in it.
    std::string_view text(std::size_t index) const;
    std::size_t count() const { return spans_.size(); }

    // The body, for whoever wants to put something else where its texts are.
    std::string& body() { return body_; }

  private:
    struct Span {
        std::size_t offset;
        std::size_t size;
    };
    std::string placeholder(std::size_t index) const;

    std::string key_;
    std::string body_;
    std::vector<Span> spans_;
};

// What JSON allows between quotes, unescaped.
bool is_plain_json_text(std::string_view text);

}  // namespace ac::wire
