#include "access/condition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include "access/ip_block.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace ac::access {
namespace {

constexpr std::size_t kArnParts = 6;

struct Named {
    std::string_view name;
    Comparison comparison;
    bool negated = false;
    Order order = Order::equal;
    bool ignores_case = false;
};

constexpr Named kOperators[] = {
    {"StringEquals", Comparison::string_equals},
    {"StringNotEquals", Comparison::string_equals, true},
    {"StringEqualsIgnoreCase", Comparison::string_equals, false, Order::equal, true},
    {"StringNotEqualsIgnoreCase", Comparison::string_equals, true, Order::equal, true},
    {"StringLike", Comparison::string_like},
    {"StringNotLike", Comparison::string_like, true},
    {"NumericEquals", Comparison::numeric},
    {"NumericNotEquals", Comparison::numeric, true},
    {"NumericLessThan", Comparison::numeric, false, Order::less},
    {"NumericLessThanEquals", Comparison::numeric, false, Order::less_equal},
    {"NumericGreaterThan", Comparison::numeric, false, Order::greater},
    {"NumericGreaterThanEquals", Comparison::numeric, false, Order::greater_equal},
    {"DateEquals", Comparison::date},
    {"DateNotEquals", Comparison::date, true},
    {"DateLessThan", Comparison::date, false, Order::less},
    {"DateLessThanEquals", Comparison::date, false, Order::less_equal},
    {"DateGreaterThan", Comparison::date, false, Order::greater},
    {"DateGreaterThanEquals", Comparison::date, false, Order::greater_equal},
    {"Bool", Comparison::boolean},
    {"BinaryEquals", Comparison::binary},
    {"IpAddress", Comparison::ip_address},
    {"NotIpAddress", Comparison::ip_address, true},
    {"ArnEquals", Comparison::arn},
    {"ArnNotEquals", Comparison::arn, true},
    {"ArnLike", Comparison::arn},
    {"ArnNotLike", Comparison::arn, true},
    {"Null", Comparison::null},
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.size() < prefix.size() || !equals_ignoring_case(text.substr(0, prefix.size()), prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (text.size() < suffix.size() ||
        !equals_ignoring_case(text.substr(text.size() - suffix.size()), suffix))
        return false;
    text.remove_suffix(suffix.size());
    return true;
}

std::optional<double> to_number(std::string_view text) {
    text = trim(text);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
        return std::nullopt;
    return number;
}

// W3C's profile of ISO 8601 ("2026-01-02", "2026-01-02T03:04:05Z"), or seconds since 1970.
std::optional<double> to_date(std::string_view text) {
    if (const auto number = to_number(text)) return number;
    std::string whole(trim(text));
    if (whole.size() == 10) whole += "T00:00:00Z";
    if (whole.size() == 17 && whole.ends_with('Z')) whole.insert(16, ":00");  // without seconds
    const auto time = from_rfc3339(whole);
    if (!time) return std::nullopt;
    return static_cast<double>(to_epoch_ms(*time)) / 1000;
}

std::optional<bool> to_bool(std::string_view text) {
    if (equals_ignoring_case(text, "true")) return true;
    if (equals_ignoring_case(text, "false")) return false;
    return std::nullopt;
}

template <class T>
bool in_order(const std::optional<T>& value, const std::optional<T>& limit, Order order) {
    if (!value || !limit) return false;
    switch (order) {
        case Order::equal:
            return *value == *limit;
        case Order::less:
            return *value < *limit;
        case Order::less_equal:
            return *value <= *limit;
        case Order::greater:
            return *value > *limit;
        case Order::greater_equal:
            return *value >= *limit;
    }
    return false;
}

// The parts between colons; a colon inside "${...}" is the variable's, the sixth part keeps its
// own.
std::vector<std::string_view> arn_parts(std::string_view text) {
    std::vector<std::string_view> parts;
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size() && parts.size() + 1 < kArnParts; ++at) {
        if (text.substr(at).starts_with("${")) {
            const auto close = text.find('}', at);
            if (close == std::string_view::npos) break;
            at = close;
        } else if (text[at] == ':') {
            parts.push_back(text.substr(from, at - from));
            from = at + 1;
        }
    }
    parts.push_back(text.substr(from));
    return parts;
}

bool arn_matches(const std::vector<PolicyText>& pattern, std::string_view value,
                 const RequestContext& context) {
    if (pattern.size() == 1) return pattern.front().matches(value, context);
    std::vector<std::string_view> parts;
    while (parts.size() + 1 < kArnParts) {
        const auto colon = value.find(':');
        if (colon == std::string_view::npos) return false;
        parts.push_back(value.substr(0, colon));
        value.remove_prefix(colon + 1);
    }
    parts.push_back(value);
    for (std::size_t i = 0; i < kArnParts; ++i)
        if (!pattern[i].matches(parts[i], context)) return false;
    return true;
}

bool compare(const Condition& condition, const PolicyText& wanted, std::string_view value,
             const RequestContext& context) {
    if (condition.comparison == Comparison::string_like) return wanted.matches(value, context);
    const auto text = wanted.resolve(context);
    if (!text) return false;
    switch (condition.comparison) {
        case Comparison::string_equals:
            return condition.ignores_case ? equals_ignoring_case(*text, value) : *text == value;
        case Comparison::numeric:
            return in_order(to_number(value), to_number(*text), condition.order);
        case Comparison::date:
            return in_order(to_date(value), to_date(*text), condition.order);
        case Comparison::boolean:
            return in_order(to_bool(value), to_bool(*text), Order::equal);
        case Comparison::binary:
            return in_order(from_base64(value), from_base64(*text), Order::equal);
        case Comparison::ip_address: {
            const auto block = parse_ip_block(*text);
            const auto address = parse_ip_block(value);
            return block && address && block->contains(*address);
        }
        default:
            return false;
    }
}

// Whether one value of the request is one of those that the policy lists.
bool is_listed(const Condition& condition, std::string_view value, const RequestContext& context) {
    if (condition.comparison == Comparison::arn)
        return std::ranges::any_of(condition.arns, [&](const auto& pattern) {
            return arn_matches(pattern, value, context);
        });
    return std::ranges::any_of(condition.values, [&](const PolicyText& wanted) {
        return compare(condition, wanted, value, context);
    });
}

bool null_holds(const Condition& condition, const RequestContext& context, bool present) {
    return std::ranges::any_of(condition.values, [&](const PolicyText& wanted) {
        const auto absent = to_bool(wanted.resolve(context).value_or(""));
        return absent && *absent == !present;
    });
}

Result<> add_arn(Condition& condition, std::string_view value, bool variables) {
    auto parts = arn_parts(value);
    // A star at the end stands for all that is left.
    if (parts.size() > 1 && value.ends_with('*')) parts.resize(kArnParts, "*");
    if (parts.size() != kArnParts && value != "*")
        return fail(ErrorCode::invalid_argument, "an ARN has six parts divided by colons");
    std::vector<PolicyText> pattern;
    for (const std::string_view part : parts) {
        AC_TRY(PolicyText text, PolicyText::parse(part, variables));
        pattern.push_back(std::move(text));
    }
    condition.arns.push_back(std::move(pattern));
    return {};
}

bool is_of_kind(Comparison comparison, std::string_view value) {
    switch (comparison) {
        case Comparison::numeric:
            return to_number(value).has_value();
        case Comparison::date:
            return to_date(value).has_value();
        case Comparison::boolean:
        case Comparison::null:
            return to_bool(value).has_value();
        case Comparison::binary:
            return from_base64(value).has_value();
        case Comparison::ip_address:
            return parse_ip_block(value).has_value();
        default:
            return true;
    }
}

std::string_view kind_name(Comparison comparison) {
    switch (comparison) {
        case Comparison::numeric:
            return "number";
        case Comparison::date:
            return "date";
        case Comparison::binary:
            return "base64 text";
        case Comparison::ip_address:
            return "IP address or CIDR block";
        default:
            return "true or false";
    }
}

}  // namespace

std::optional<Condition> parse_operator(std::string_view name) {
    Condition condition;
    if (take_prefix(name, "ForAllValues:"))
        condition.set = Condition::Set::all_values;
    else if (take_prefix(name, "ForAnyValue:"))
        condition.set = Condition::Set::any_value;
    condition.if_exists = take_suffix(name, "IfExists");
    const auto found = std::ranges::find_if(
        kOperators, [&](const Named& named) { return equals_ignoring_case(named.name, name); });
    if (found == std::end(kOperators)) return std::nullopt;
    if (found->comparison == Comparison::null &&
        (condition.if_exists || condition.set != Condition::Set::one))
        return std::nullopt;
    condition.comparison = found->comparison;
    condition.negated = found->negated;
    condition.order = found->order;
    condition.ignores_case = found->ignores_case;
    return condition;
}

Result<> add_condition_value(Condition& condition, std::string_view value, bool variables) {
    if (condition.comparison == Comparison::arn) return add_arn(condition, value, variables);
    const bool may_vary = variables && value.find("${") != std::string_view::npos;
    if (!may_vary && !is_of_kind(condition.comparison, value))
        return fail(ErrorCode::invalid_argument, "'" + std::string(value) + "' is no " +
                                                     std::string(kind_name(condition.comparison)));
    const auto wildcards = condition.comparison == Comparison::string_like
                               ? PolicyText::Wildcards::apply
                               : PolicyText::Wildcards::literal;
    AC_TRY(PolicyText text, PolicyText::parse(value, variables, wildcards));
    condition.values.push_back(std::move(text));
    return {};
}

bool holds(const Condition& condition, const RequestContext& context) {
    const auto* values = context.find(condition.key);
    const bool present = values != nullptr && !values->empty();
    if (condition.comparison == Comparison::null) return null_holds(condition, context, present);
    if (!present) {
        if (condition.if_exists) return true;
        if (condition.set != Condition::Set::one)
            return condition.set == Condition::Set::all_values;
        return condition.negated;
    }
    const auto listed = [&](const std::string& value) {
        return is_listed(condition, value, context);
    };
    switch (condition.set) {
        case Condition::Set::all_values:
            return condition.negated ? std::ranges::none_of(*values, listed)
                                     : std::ranges::all_of(*values, listed);
        case Condition::Set::any_value:
            return condition.negated ? !std::ranges::all_of(*values, listed)
                                     : std::ranges::any_of(*values, listed);
        case Condition::Set::one:
            break;
    }
    return std::ranges::any_of(*values, listed) != condition.negated;
}

}  // namespace ac::access
