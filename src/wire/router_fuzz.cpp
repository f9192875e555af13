// Any method and path: the router answers, and a path it takes has all its labels.
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "wire/operation.h"
#include "wire/router.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::wire;
    static const Router router = [] {
        Router made;
        for (std::size_t i = 0; i < operations().size(); ++i)
            made.add(operations()[i].method, operations()[i].uri, i);
        made.add("GET", "/x/{id}/files/{path+}", operations().size());
        return made;
    }();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto space = text.find(' ');
    if (space == std::string_view::npos) return 0;
    const RouteMatch match = router.find(text.substr(0, space), text.substr(space + 1));
    if (match.outcome == RouteMatch::Outcome::found) {
        AC_ASSERT(match.target <= operations().size());
        for (const PathLabel& label : match.labels)
            AC_ASSERT(!label.name.empty() && !label.value.empty());
    }
    return 0;
}
