#pragma once
// HTTP messages as values: what a request and a response are made of, without any socket.
// Field names compare without case (RFC 9110 5.1); order and repetition are kept.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ac::net {

struct Header {
    std::string name;
    std::string value;
};

class Headers final {
  public:
    Headers() = default;
    Headers(std::initializer_list<Header> list) : list_(list) {}

    void add(std::string name, std::string value) {
        list_.push_back({std::move(name), std::move(value)});
    }
    // Replaces every field of that name.
    void set(std::string_view name, std::string value);
    void remove(std::string_view name);
    void clear() { list_.clear(); }
    void reserve(std::size_t count) { list_.reserve(count); }
    // The first value, or nullopt. The view lives until the Headers change.
    std::optional<std::string_view> find(std::string_view name) const;
    std::string_view get(std::string_view name) const { return find(name).value_or(""); }
    bool contains(std::string_view name) const { return find(name).has_value(); }

    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }
    std::size_t size() const { return list_.size(); }

  private:
    std::vector<Header> list_;
};

struct RequestHead {
    std::string method;  // as sent: "GET"
    std::string target;  // as sent, origin form: "/a%2Fb?c=d", neither decoded nor normalised
    Headers headers;

    std::string_view path() const;   // before '?', still encoded
    std::string_view query() const;  // after '?', still encoded; empty without one
};

struct ResponseHead {
    int status = 200;
    Headers headers;
};

// A whole response in memory. Content-Length is set by the server.
struct Response {
    int status = 200;
    Headers headers;
    std::string body;
};

std::string_view reason_phrase(int status);

}  // namespace ac::net
