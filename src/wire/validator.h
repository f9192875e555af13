#pragma once
// Checks decoded JSON against a shape and turns it, in place, into what handlers see: members under
// their own names, unknown ones dropped, timestamps in milliseconds, blobs as bytes. Collects
// violations instead of stopping at the first.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "wire/operation.h"
#include "wire/patterns.h"
#include "wire/relaxations.h"

namespace ac::wire {

namespace json = boost::json;

// Where a value is, as a chain of stack frames; spelled out only when something is wrong there.
struct ValuePath {
    const ValuePath* parent = nullptr;
    std::string_view name;
    std::size_t index = 0;  // when name is empty

    std::string spell() const;  // "payload.0.conversational"
};

class Validator final {
  public:
    Validator(const Patterns& patterns, const Relaxations& relaxations, Random& random)
        : patterns_(patterns), relaxations_(relaxations), random_(random) {}

    void check(const Member& member, json::value& value, const ValuePath& path);
    // The members of a structure that live in the JSON object `in`, moved to `out`.
    void check_members(const Shape& structure, json::object& in, json::object& out,
                       const ValuePath* path);
    // `member` has no value: fills in a token, or notes a violation when it is required.
    void absent(const Member& member, json::object& out, const ValuePath* parent);
    // A value that came as text (label, query, header); nullopt was noted.
    std::optional<json::value> from_text(const Shape& shape, std::string_view text,
                                         const ValuePath& path);

    // A value of the wrong kind (reason CannotParse), and one that breaks a constraint.
    void wrong_type(const ValuePath& path, std::string_view wanted);
    void violation(const ValuePath& path, std::string constraint);

    bool ok() const { return count_ == 0; }
    Error error() &&;

  private:
    void check_value(const Shape& given, json::value& value, const ValuePath& path);
    void check_structure(const Shape& shape, json::value& value, const ValuePath& path);
    void check_list(const Shape& shape, json::value& value, const ValuePath& path);
    void check_map(const Shape& shape, json::value& value, const ValuePath& path);
    void check_string(const Shape& shape, std::string_view text, const ValuePath& path);
    void check_integer(const Shape& shape, json::value& value, const ValuePath& path);
    void check_number(const Shape& shape, json::value& value, const ValuePath& path);
    void check_blob(const Shape& shape, json::value& value, const ValuePath& path);
    void check_size(const Shape& shape, std::size_t size, const ValuePath& path);
    void check_range(const Shape& shape, double value, const ValuePath& path);

    const Patterns& patterns_;
    const Relaxations& relaxations_;
    Random& random_;
    std::size_t count_ = 0;
    bool cannot_parse_ = false;
    std::vector<FieldError> fields_;
};

// A timestamp in any of the forms that clients send, as epoch milliseconds: seconds as a number,
// RFC 3339, HTTP date. nullopt when it is none, or out of the years 1 to 9999.
std::optional<std::int64_t> timestamp_ms(const json::value& value);

std::size_t count_code_points(std::string_view utf8);

}  // namespace ac::wire
