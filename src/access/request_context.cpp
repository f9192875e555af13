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
    entries_.push_back({.key = to_lower(key), .values = std::move(values)});
}

void RequestContext::add_of_caller(std::string_view key, std::string value) {
    add(key, std::move(value));
    entries_.back().of_caller = true;
}

const std::vector<std::string>* RequestContext::find(std::string_view lower_key) const {
    for (const Entry& entry : entries_) {
        if (entry.key != lower_key) continue;
        if (!entry.of_caller) asked_of_request_ = true;
        return &entry.values;
    }
    asked_of_request_ = true;
    return nullptr;
}

}  // namespace ac::access
