#include "access/request_context.h"

#include "base/encoding.h"
#include "base/storable_text.h"

namespace ac::access {

void RequestContext::add(std::string_view key, std::string value) {
    add_all(key, {std::move(value)});
}

void RequestContext::add_all(std::string_view key, std::vector<std::string> values) {
    for (std::string& value : values)
        if (!is_valid_utf8(value)) value = to_storable_text(value);
    entries_.emplace_back(to_lower(key), std::move(values));
}

const std::vector<std::string>* RequestContext::find(std::string_view lower_key) const {
    for (const auto& [key, values] : entries_)
        if (key == lower_key) return &values;
    return nullptr;
}

}  // namespace ac::access
