#include "runtime/build_options.h"

#include <algorithm>
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
    if (to_lower(name).starts_with("npm_config_") || name == "NODE_EXTRA_CA_CERTS") return true;
    for (const std::string_view known : kNames)
        if (equals_ignoring_case(name, known)) return true;
    return false;
}

void add_urls(std::string_view text, std::vector<std::string>& out) {
    constexpr std::string_view kSpace = " \t\r\n,=";
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(kSpace), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto scheme = word.find("://");
        if (!word.starts_with("http://") && !word.starts_with("https://")) continue;
        const std::string_view rest = word.substr(scheme + 3);
        const auto user = rest.substr(0, rest.find('/')).rfind('@');
        out.push_back(std::string(word.substr(0, scheme + 3)) +
                      std::string(user == rest.npos ? rest : rest.substr(user + 1)));
    }
}

std::string_view value_of(std::string_view entry) {
    return entry.substr(std::min(entry.find('='), entry.size() - 1) + 1);
}

bool is_proxy(std::string_view name) {
    for (const std::string_view known : {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PIP_PROXY",
                                         "npm_config_proxy", "npm_config_https_proxy"})
        if (equals_ignoring_case(name, known)) return true;
    return false;
}

}  // namespace

std::vector<std::string> index_urls(const std::vector<std::string>& installer_environment,
                                    std::string_view pip_settings) {
    std::vector<std::string> out;
    for (const std::string_view entry : installer_environment)
        if (!is_proxy(entry.substr(0, entry.find('=')))) add_urls(value_of(entry), out);
    add_urls(pip_settings, out);
    return out;
}

std::vector<std::string> installer_environment(const char* const* environment) {
    std::vector<std::string> out;
    for (; environment != nullptr && *environment != nullptr; ++environment) {
        const std::string_view entry(*environment);
        if (concerns_installer(entry.substr(0, entry.find('=')))) out.emplace_back(entry);
    }
    return out;
}

}  // namespace ac::runtime
