#include <cstdlib>
#include <string_view>

#include "runtime/unpack.h"

// Whatever a zip calls its entries, what we would create stays inside.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const ac::runtime::RuntimeLimits limits;
    const std::string_view name(reinterpret_cast<const char*>(data), size);
    const auto path = ac::runtime::entry_path(name, limits);
    if (!path) return 0;
    const std::string framed = "/" + *path + "/";
    if (framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos)
        std::abort();
    if (!path->empty() && (path->front() == '/' || path->back() == '/')) std::abort();
    if (path->empty()) return 0;
    const auto again = ac::runtime::entry_path(*path, limits);
    if (!again || *again != *path) std::abort();
    return 0;
}
