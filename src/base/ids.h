#pragma once
// Distinct types for distinct identifiers, so that a session id cannot be passed where a runtime
// id is meant. The text inside is opaque here; wire/ checks its pattern against the API model.

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace ac {

template <class Tag>
class StrongId {
  public:
    StrongId() = default;
    explicit StrongId(std::string text) : text_(std::move(text)) {}
    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend auto operator<=>(const StrongId&, const StrongId&) = default;

  private:
    std::string text_;
};

// Whose resources: every stored resource belongs to one account and one region.
struct Scope {
    std::string account;  // 12 digits
    std::string region;   // us-west-2
    friend auto operator<=>(const Scope&, const Scope&) = default;
};

}  // namespace ac

template <class Tag>
struct std::hash<ac::StrongId<Tag>> {
    std::size_t operator()(const ac::StrongId<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.text());
    }
};
