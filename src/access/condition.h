#pragma once
// One line of a policy's Condition: an operator, a key and the values it may have. And PolicyText,
// a text of a policy with wildcards and variables.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/request_context.h"
#include "access/wildcard.h"
#include "base/result.h"

namespace ac::access {

// "arn:aws:s3:::home/${aws:username}/*". A variable without a value in the request makes the text
// match nothing, unless it has a default: ${aws:username, 'nobody'}.
class PolicyText final {
  public:
    enum class Wildcards { apply, literal };
    // Without `variables` (policies of version 2008-10-17) "${" is text. invalid_argument for a
    // variable that is not closed.
    static Result<PolicyText> parse(std::string_view text, bool variables,
                                    Wildcards wildcards = Wildcards::apply);

    bool matches(std::string_view value, const RequestContext& context) const;
    // Without wildcards: the text itself; nullopt where a variable has no value.
    std::optional<std::string> resolve(const RequestContext& context) const;

  private:
    struct Part {
        bool is_variable = false;
        std::string text;  // or the variable's name, lower case
        std::optional<std::string> fallback;
    };
    Result<> read(std::string_view text);
    const std::string* value_of(const Part& part, const RequestContext& context) const;

    std::vector<Part> parts_;  // with variables
    Wildcard fixed_;           // without
    std::string plain_;
    Wildcards wildcards_ = Wildcards::apply;
};

enum class Comparison {
    string_equals,
    string_like,
    numeric,
    date,
    boolean,
    binary,
    ip_address,
    arn,
    null,
};

enum class Order { equal, less, less_equal, greater, greater_equal };

struct Condition {
    Comparison comparison = Comparison::string_equals;
    Order order = Order::equal;
    bool negated = false;
    bool ignores_case = false;
    bool if_exists = false;
    enum class Set { one, all_values, any_value } set = Set::one;
    std::string key;  // lower case
    std::vector<PolicyText> values;
    // Of ARNs instead: the six parts, which are compared one by one; a single one for "*".
    std::vector<std::vector<PolicyText>> arns;
};

// "ForAnyValue:StringLikeIfExists" without key and values; nullopt: there is no such operator.
std::optional<Condition> parse_operator(std::string_view name);

// invalid_argument where a value is none of the operator's kind ("abc" for Numeric).
Result<> add_condition_value(Condition& condition, std::string_view value, bool variables);

bool holds(const Condition& condition, const RequestContext& context);

}  // namespace ac::access
