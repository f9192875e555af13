#pragma once
// Writing the heads of HTTP/1.1 messages. Whatever values are given, what is written is one head:
// a field whose name is no token is left out, a control character in a value becomes a blank, so
// that no value can forge a field or end the head early.

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace ac::net {

void append_status_line(std::string& out, int status);
void append_request_line(std::string& out, std::string_view method, std::string_view target);
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_number(std::string& out, std::uint64_t value);
// "1f\r\n"
void append_chunk_size(std::string& out, std::uint64_t bytes);

// Fields about one connection or one message's framing: the server and the client write these
// themselves and leave out what a caller gave (RFC 9110 7.6.1).
bool is_framing_field(std::string_view name);

}  // namespace ac::net
