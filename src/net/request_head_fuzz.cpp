// Whatever the bytes: the scanner finds the same end however they arrive, and a head that is
// accepted is accepted again, with the same meaning, when it is written out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "net/http_head.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

constexpr std::size_t kFieldsMax = 50;

HeadScanner scan_in_steps(std::string_view text, std::size_t step, HeadScanner::State& state) {
    HeadScanner scanner;
    state = HeadScanner::State::incomplete;
    for (std::size_t end = std::min(step, text.size());; end = std::min(end + step, text.size())) {
        state = scanner.scan(text.substr(0, end));
        if (state != HeadScanner::State::incomplete || end == text.size()) return scanner;
    }
}

std::string print(const RequestHead& head, int minor) {
    std::string out = head.method + " " + head.target + (minor == 0 ? " HTTP/1.0" : " HTTP/1.1");
    out += "\r\n";
    for (const Header& header : head.headers) append_field(out, header.name, header.value);
    return out + "\r\n";
}

void check(std::string_view text) {
    HeadScanner::State whole{};
    HeadScanner::State stepped{};
    const auto scanner = scan_in_steps(text, text.size() + 1, whole);
    const auto other = scan_in_steps(text, 1, stepped);
    AC_ASSERT(whole == stepped);
    if (whole != HeadScanner::State::complete) return;
    AC_ASSERT(scanner.size() == other.size() && scanner.size() <= text.size());

    RequestHead head;
    const auto framing = parse_request_head(text.substr(0, scanner.size()), kFieldsMax, head);
    if (!framing) return;
    const std::string printed = print(head, framing->version_minor);
    RequestHead again;
    // An absolute-form target may have added its Host.
    const auto reread = parse_request_head(printed, kFieldsMax + 1, again);
    AC_ASSERT(reread.has_value());
    AC_ASSERT(again.method == head.method && again.target == head.target);
    AC_ASSERT(again.headers.size() == head.headers.size());
    AC_ASSERT(reread->coding == framing->coding && reread->length == framing->length);
    AC_ASSERT(reread->keep_alive == framing->keep_alive);
}

}  // namespace
}  // namespace ac::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    ac::net::check({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
