#include "access/condition.h"
#include "base/encoding.h"

namespace ac::access {

Result<PolicyText> PolicyText::parse(std::string_view text, bool variables, Wildcards wildcards) {
    PolicyText out;
    out.wildcards_ = wildcards;
    if (variables && text.find("${") != std::string_view::npos) {
        AC_CHECK(out.read(text));
        return out;
    }
    out.plain_ = text;
    if (wildcards == Wildcards::apply)
        out.fixed_.add_pattern(text);
    else
        out.fixed_.add_literal(text);
    return out;
}

Result<> PolicyText::read(std::string_view text) {
    while (!text.empty()) {
        const auto open = text.find("${");
        if (open > 0) parts_.push_back({.text = std::string(text.substr(0, open))});
        if (open == std::string_view::npos) break;
        text.remove_prefix(open + 2);
        const auto close = text.find('}');
        if (close == std::string_view::npos)
            return fail(ErrorCode::invalid_argument, "a variable is not closed with '}'");
        std::string_view name = text.substr(0, close);
        text.remove_prefix(close + 1);
        // ${*}, ${?} and ${$} are the characters themselves.
        if (name == "*" || name == "?" || name == "$") {
            parts_.push_back({.is_variable = true, .fallback = std::string(name)});
            continue;
        }
        Part part{.is_variable = true};
        if (const auto comma = name.find(','); comma != std::string_view::npos) {
            const std::string_view fallback = trim(name.substr(comma + 1));
            if (fallback.size() < 2 || fallback.front() != '\'' || fallback.back() != '\'')
                return fail(ErrorCode::invalid_argument,
                            "a variable's default is given in single quotes");
            part.fallback = fallback.substr(1, fallback.size() - 2);
            name = trim(name.substr(0, comma));
        }
        if (name.empty()) return fail(ErrorCode::invalid_argument, "a variable has no name");
        part.text = to_lower(name);
        parts_.push_back(std::move(part));
    }
    return {};
}

const std::string* PolicyText::value_of(const Part& part, const RequestContext& context) const {
    // A key with several values cannot be a variable.
    const auto* values = part.text.empty() ? nullptr : context.find(part.text);
    if (values != nullptr && values->size() == 1) return &values->front();
    return part.fallback ? &*part.fallback : nullptr;
}

bool PolicyText::matches(std::string_view value, const RequestContext& context) const {
    if (parts_.empty()) return fixed_.matches(value);
    Wildcard resolved;
    for (const Part& part : parts_) {
        if (part.is_variable) {
            const std::string* text = value_of(part, context);
            if (text == nullptr) return false;
            resolved.add_literal(*text);
        } else if (wildcards_ == Wildcards::apply) {
            resolved.add_pattern(part.text);
        } else {
            resolved.add_literal(part.text);
        }
    }
    return resolved.matches(value);
}

std::optional<std::string> PolicyText::resolve(const RequestContext& context) const {
    if (parts_.empty()) return plain_;
    std::string out;
    for (const Part& part : parts_) {
        const std::string* text = part.is_variable ? value_of(part, context) : &part.text;
        if (text == nullptr) return std::nullopt;
        out += *text;
    }
    return out;
}

}  // namespace ac::access
