// A form from anywhere: parsing ends, and what it takes is UTF-8 without NUL.
#include <cstdint>

#include "base/encoding.h"
#include "wire/form.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac;
    const auto form = wire::parse_form({reinterpret_cast<const char*>(data), size});
    if (!form) {
        AC_ASSERT(form.error().reason == "invalid_request");
        return 0;
    }
    for (const auto& [name, value] : *form) {
        AC_ASSERT(is_valid_utf8(name) && is_valid_utf8(value));
        AC_ASSERT(!value.empty() && value.find('\0') == value.npos);
    }
    return 0;
}
