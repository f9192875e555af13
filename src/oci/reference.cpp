#include "oci/reference.h"

#include <algorithm>

namespace ac::oci {
namespace {

constexpr std::string_view kHub = "registry-1.docker.io";
constexpr std::size_t kRepositoryBytesMax = 255;
constexpr std::size_t kTagBytesMax = 128;

std::unexpected<Error> wrong(std::string_view why) {
    return fail(ErrorCode::invalid_argument, "not a name of an image: " + std::string(why));
}

bool is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_alphanumeric(char c) {
    return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z');
}

// Lower-case letters and digits, with separators between them only.
bool is_component(std::string_view text) {
    if (text.empty() || !is_lower_alphanumeric(text.front()) || !is_lower_alphanumeric(text.back()))
        return false;
    return std::ranges::all_of(
        text, [](char c) { return is_lower_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_repository(std::string_view text) {
    if (text.empty() || text.size() > kRepositoryBytesMax) return false;
    while (true) {
        const auto slash = text.find('/');
        if (!is_component(text.substr(0, slash))) return false;
        if (slash == text.npos) return true;
        text.remove_prefix(slash + 1);
    }
}

bool is_tag(std::string_view text) {
    if (text.empty() || text.size() > kTagBytesMax) return false;
    if (text.front() == '.' || text.front() == '-') return false;
    return std::ranges::all_of(
        text, [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

// Docker's rule: the first part names a registry when it looks like a host.
bool looks_like_host(std::string_view text) {
    return text == "localhost" || text.find('.') != text.npos || text.find(':') != text.npos;
}

bool is_host(std::string_view text) {
    const auto colon = text.rfind(':');
    const std::string_view name = text.substr(0, colon);
    if (colon != text.npos) {
        const std::string_view port = text.substr(colon + 1);
        const bool digits = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
        if (port.empty() || port.size() > 5 || !digits) return false;
    }
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_alphanumeric(c) || c == '.' || c == '-';
    });
}

}  // namespace

std::string Reference::text() const {
    std::string out = registry + "/" + repository;
    if (!tag.empty()) out += ":" + tag;
    if (!digest.empty()) out += "@" + digest;
    return out;
}

bool is_digest(std::string_view text) {
    constexpr std::string_view kPrefix = "sha256:";
    if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 64) return false;
    return std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

Result<Reference> parse_reference(std::string_view text) {
    Reference out;
    if (const auto at = text.find('@'); at != text.npos) {
        out.digest = text.substr(at + 1);
        if (!is_digest(out.digest)) return wrong("its digest is not sha256: and 64 hex digits");
        text = text.substr(0, at);
    }
    if (const auto slash = text.find('/');
        slash != text.npos && looks_like_host(text.substr(0, slash))) {
        out.registry = text.substr(0, slash);
        text.remove_prefix(slash + 1);
    }
    if (const auto colon = text.rfind(':'); colon != text.npos) {
        out.tag = text.substr(colon + 1);
        if (!is_tag(out.tag)) return wrong("its tag has characters that a tag cannot have");
        text = text.substr(0, colon);
    }
    if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
    if (out.registry.empty() || out.registry == "docker.io" || out.registry == "index.docker.io") {
        out.registry = kHub;
        if (text.find('/') == text.npos) out.repository = "library/";
    }
    if (!is_host(out.registry)) return wrong("its registry is no host");
    out.repository += text;
    if (!is_repository(out.repository))
        return wrong("its repository is lower-case letters, digits and . _ - between slashes");
    return out;
}

}  // namespace ac::oci
