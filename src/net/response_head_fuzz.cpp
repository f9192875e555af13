// Whatever the bytes: a response head that is accepted is accepted again, with the same framing,
// when it is written out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/http_head.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

void check(std::string_view text, ResponseTo to) {
    HeadScanner scanner;
    if (scanner.scan(text) != HeadScanner::State::complete) return;
    ResponseHead head;
    const auto framing = parse_response_head(text.substr(0, scanner.size()), 50, to, head);
    if (!framing) return;
    AC_ASSERT(head.status >= 100 && head.status <= 999);
    std::string printed;
    append_status_line(printed, head.status);
    for (const Header& header : head.headers) append_field(printed, header.name, header.value);
    printed += "\r\n";
    ResponseHead again;
    const auto reread = parse_response_head(printed, 50, to, again);
    AC_ASSERT(reread.has_value());
    AC_ASSERT(again.status == head.status && again.headers.size() == head.headers.size());
    AC_ASSERT(reread->coding == framing->coding && reread->length == framing->length);
}

}  // namespace
}  // namespace ac::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    ac::net::check(text, ac::net::ResponseTo::other);
    ac::net::check(text, ac::net::ResponseTo::head);
    return 0;
}
