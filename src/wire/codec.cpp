#include "wire/codec.h"

#include <algorithm>

#include "base/encoding.h"
#include "wire/json_text.h"
#include "wire/output_writer.h"
#include "wire/query.h"
#include "wire/validator.h"

namespace ac::wire {
namespace {

const Member* payload_member(const Shape& shape) {
    const auto found = std::ranges::find(shape.members, Location::payload, &Member::location);
    return found == shape.members.end() ? nullptr : &*found;
}

// Reads the members of one request; violations gather in the validator.
class InputReader final {
  public:
    InputReader(Validator& validator, const Relaxations& relaxations)
        : validator_(validator), relaxations_(relaxations) {}

    void label(const Member& member, std::span<const PathLabel> labels) {
        const auto found = std::ranges::find(labels, member.location_name, &PathLabel::name);
        if (found == labels.end()) return validator_.absent(member, out, nullptr);
        take(member, found->value);
    }

    void query(const Member& member, std::span<const QueryParameter> parameters) {
        if (relaxations_.effective(*member.shape).kind == Kind::list)
            return query_list(member, parameters);
        const auto found =
            std::ranges::find(parameters, member.location_name, &QueryParameter::name);
        if (found == parameters.end()) return validator_.absent(member, out, nullptr);
        take(member, found->value);
    }

    // An empty header is the same as none (clients cannot send an absent one otherwise).
    void header(const Member& member, const net::Headers& headers) {
        const auto value = headers.find(member.location_name);
        if (!value || value->empty()) return validator_.absent(member, out, nullptr);
        take(member, *value);
    }

    void prefix_headers(const Member& member, const net::Headers& headers) {
        json::object map;
        for (const net::Header& header : headers) {
            const std::string_view name = header.name;
            const std::size_t length = member.location_name.size();
            if (name.size() > length &&
                equals_ignoring_case(name.substr(0, length), member.location_name))
                map.emplace(to_lower(name.substr(length)), header.value);
        }
        if (map.empty()) return validator_.absent(member, out, nullptr);
        json::value value(std::move(map));
        const ValuePath path{.name = member.name};
        validator_.check(member, value, path);
        out.emplace(member.name, std::move(value));
    }

    json::object out;

  private:
    void take(const Member& member, std::string_view text) {
        const ValuePath path{.name = member.name};
        if (auto value = validator_.from_text(*member.shape, text, path))
            out.emplace(member.name, *std::move(value));
    }

    void query_list(const Member& member, std::span<const QueryParameter> parameters) {
        json::array list;
        for (const QueryParameter& parameter : parameters)
            if (parameter.name == member.location_name) list.emplace_back(parameter.value);
        if (list.empty()) return validator_.absent(member, out, nullptr);
        json::value value(std::move(list));
        const ValuePath path{.name = member.name};
        validator_.check(member, value, path);
        out.emplace(member.name, std::move(value));
    }

    Validator& validator_;
    const Relaxations& relaxations_;
};

Result<json::object> parse_body(const std::string& body) {
    if (body.empty()) return json::object();
    AC_TRY(json::value value, parse_json(body));
    if (!value.is_object())
        return fail(Error{.code = ErrorCode::invalid_argument,
                          .message = "The request body is not a JSON object",
                          .reason = "CannotParse"});
    return std::move(value.get_object());
}

Result<> read_payload(const Member& member, const std::string* body, Validator& validator,
                      json::object& out) {
    if (body == nullptr) return {};
    if (member.shape->kind == Kind::blob || member.shape->kind == Kind::string) {
        out.emplace(member.name, *body);
        return {};
    }
    if (body->empty()) {
        validator.absent(member, out, nullptr);
        return {};
    }
    AC_TRY(json::value value, parse_json(*body));
    const ValuePath path{.name = member.name};
    validator.check(member, value, path);
    out.emplace(member.name, std::move(value));
    return {};
}

}  // namespace

BodyUse body_use(const OperationSpec& operation) {
    if (operation.input == nullptr) return BodyUse::none;
    if (const Member* payload = payload_member(*operation.input)) {
        const Kind kind = payload->shape->kind;
        return kind == Kind::blob || kind == Kind::string ? BodyUse::raw : BodyUse::json;
    }
    const bool has_members = std::ranges::any_of(
        operation.input->members, [](const Member& m) { return m.location == Location::body; });
    return has_members ? BodyUse::json : BodyUse::none;
}

Codec::Codec() {
    for (const Shape* shape : all_shapes())
        if (!shape->pattern.empty()) patterns_.add(shape->pattern);
}

Result<json::object> Codec::decode(const OperationSpec& operation,
                                   std::span<const PathLabel> labels, const net::RequestHead& head,
                                   const std::string* body, Random& random) const {
    AC_ASSERT(operation.input != nullptr);
    const Shape& shape = relaxations_.effective(*operation.input);
    AC_TRY(const auto parameters, parse_query(head.query()));
    Validator validator(patterns_, relaxations_, random);
    InputReader reader(validator, relaxations_);
    for (const Member& member : shape.members) {
        switch (member.location) {
            case Location::uri:
                reader.label(member, labels);
                break;
            case Location::query:
                reader.query(member, parameters);
                break;
            case Location::header:
                reader.header(member, head.headers);
                break;
            case Location::prefix_headers:
                reader.prefix_headers(member, head.headers);
                break;
            case Location::payload:
                AC_CHECK(read_payload(member, body, validator, reader.out));
                break;
            case Location::body:
            case Location::status_code:
                break;
        }
    }
    if (payload_member(shape) == nullptr && body_use(operation) == BodyUse::json) {
        AC_ASSERT(body != nullptr);
        AC_TRY(json::object object, parse_body(*body));
        validator.check_members(shape, object, reader.out, nullptr);
    }
    if (!validator.ok()) return fail(std::move(validator).error());
    return std::move(reader.out);
}

net::Response Codec::encode(const OperationSpec& operation, const json::object& output) const {
    AC_ASSERT(operation.output != nullptr);
    return write_output(operation, output, relaxations_);
}

std::string Codec::encode_structure(const Shape& shape, const json::object& value) const {
    return write_structure(shape, value, relaxations_);
}

}  // namespace ac::wire
