// Any request head: parsing and verifying must not crash, and nothing may verify against a secret
// that nobody has.
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "sigv4/verifier.h"

namespace {

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
    return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    ac::net::RequestHead head;
    head.method = take_line(text);
    head.target = take_line(text);
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos)
            head.headers.add(std::string(line.substr(0, colon)),
                             std::string(line.substr(colon + 1)));
    }
    const auto authorization = ac::sigv4::parse_authorization(head);
    if (!authorization) return 0;
    static ac::sigv4::Verifier verifier;
    const ac::sigv4::Policy policy{.unsigned_payload_allowed = true, .port = 80};
    const auto verified =
        verifier.verify(*authorization, head, {.secret = "no request was signed with this"}, "",
                        authorization->signed_at, policy);
    AC_ASSERT(!verified);
    return 0;
}
