#include "net/http_text.h"

#include <charconv>

#include "base/encoding.h"
#include "net/http_head.h"

namespace ac::net {

void append_status_line(std::string& out, int status) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out += ' ';
    out += reason_phrase(status);
    out += "\r\n";
}

void append_request_line(std::string& out, std::string_view method, std::string_view target) {
    out += method;
    out += ' ';
    out += target;
    out += " HTTP/1.1\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    if (!is_token(name)) return;
    out += name;
    out += ": ";
    if (is_field_value(value)) {
        out += value;
    } else {
        for (const char c : value) out += is_field_value({&c, 1}) ? c : ' ';
    }
    out += "\r\n";
}

void append_number(std::string& out, std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

void append_chunk_size(std::string& out, std::uint64_t bytes) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, bytes, 16).ptr;
    out.append(digits, end);
    out += "\r\n";
}

bool is_framing_field(std::string_view name) {
    switch (name.size()) {
        case 10:
            return equals_ignoring_case(name, "connection") ||
                   equals_ignoring_case(name, "keep-alive");
        case 14:
            return equals_ignoring_case(name, "content-length");
        case 17:
            return equals_ignoring_case(name, "transfer-encoding");
        default:
            return false;
    }
}

}  // namespace ac::net
