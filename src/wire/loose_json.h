#pragma once
// Typed members of JSON that no table has validated: the bodies of model APIs that are not AWS's.
// Every function names the member in its error, as "messages.0.content".

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::wire {

// One object and where it is. Absent and null are the same. Lives as long as the object.
class LooseObject final {
  public:
    LooseObject(const boost::json::object& object, std::string path)
        : object_(object), path_(std::move(path)) {}
    // invalid_argument when it is none.
    static Result<LooseObject> from(const boost::json::value& value, std::string path);

    const boost::json::object& json() const { return object_; }
    const std::string& path() const { return path_; }
    std::string path_of(std::string_view member) const;
    const boost::json::value* find(std::string_view name) const;

    Result<std::string> text(std::string_view name) const;  // required
    Result<std::string> text_or(std::string_view name, std::string fallback) const;
    // One of `choices`; `fallback` when absent, required when that is empty.
    Result<std::string> choice(std::string_view name,
                               std::initializer_list<std::string_view> choices,
                               std::string_view fallback = {}) const;
    Result<std::optional<double>> number(std::string_view name, double min, double max) const;
    Result<std::optional<std::int64_t>> integer(std::string_view name, std::int64_t min,
                                                std::int64_t max) const;
    Result<bool> flag(std::string_view name, bool fallback) const;
    // nullptr when absent.
    Result<const boost::json::array*> list(std::string_view name) const;
    Result<std::optional<LooseObject>> object(std::string_view name) const;
    Result<LooseObject> need_object(std::string_view name) const;
    // A list of strings, or one string; empty when absent.
    Result<std::vector<std::string>> texts(std::string_view name) const;
    // Bytes of a base64 text, at least one.
    Result<std::string> bytes(std::string_view name) const;

    std::unexpected<Error> bad(std::string_view member, std::string_view message) const;

  private:
    const boost::json::object& object_;
    std::string path_;
};

}  // namespace ac::wire
