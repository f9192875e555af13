// Any text: what parses prints itself as a URL that parses to the same.
#include <cstdint>
#include <string_view>

#include "net/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::net;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto url = parse_url(text);
    if (url) {
        const auto again = parse_url(url->text());
        AC_ASSERT(again && again->text() == url->text());
    }
    static const Url base = parse_url("https://example.com/a/b?c").value();
    if (const auto resolved = resolve_url(base, text)) AC_ASSERT(parse_url(resolved->text()));
    return 0;
}
