#include "runtime/build_options.h"

#include <array>
#include <string_view>

#include "base/encoding.h"

namespace ac::runtime {
namespace {

bool concerns_installer(std::string_view name) {
    constexpr std::array<std::string_view, 8> kNames = {
        "HTTP_PROXY",    "HTTPS_PROXY",        "NO_PROXY",       "ALL_PROXY",
        "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"};
    if (name.starts_with("PIP_") || name.starts_with("UV_")) return true;
    for (const std::string_view known : kNames)
        if (equals_ignoring_case(name, known)) return true;
    return false;
}

}  // namespace

std::vector<std::string> installer_environment(const char* const* environment) {
    std::vector<std::string> out;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry(*environment);
        if (concerns_installer(entry.substr(0, entry.find('=')))) out.emplace_back(entry);
    }
    return out;
}

}  // namespace ac::runtime
