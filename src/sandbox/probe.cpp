#include "sandbox/probe.h"

#include <algorithm>

namespace ac::sandbox {

bool Report::missing(const std::vector<std::string>& accepted, std::string& names) const {
    names.clear();
    for (const Layer& layer : layers) {
        if (layer.available || layer.is_optional ||
            std::ranges::find(accepted, layer.name) != accepted.end())
            continue;
        if (!names.empty()) names += ", ";
        names += layer.name;
    }
    return !names.empty();
}

}  // namespace ac::sandbox
