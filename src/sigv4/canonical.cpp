#include "sigv4/canonical.h"

#include <algorithm>

#include "base/encoding.h"

namespace ac::sigv4 {

std::string canonical_path(std::string_view path, bool is_s3) {
    if (path.empty()) path = "/";
    if (!is_s3) return percent_encode(path, "/");
    const auto decoded = percent_decode(path);
    return decoded ? percent_encode(*decoded, "/") : std::string(path);
}

std::vector<RawParameter> split_query(std::string_view query) {
    std::vector<RawParameter> out;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const bool bare = equals == std::string_view::npos;
        out.push_back({.name = pair.substr(0, equals),
                       .value = bare ? std::string_view() : pair.substr(equals + 1)});
    }
    return out;
}

std::string canonical_query(std::string_view query, bool reencode) {
    if (query.empty()) return {};
    struct Pair {
        std::string name;
        std::string value;
        auto operator<=>(const Pair&) const = default;
    };
    const auto canonical = [&](std::string_view text) {
        const auto decoded = reencode ? percent_decode(text) : std::nullopt;
        return decoded ? percent_encode(*decoded) : std::string(text);
    };
    std::vector<Pair> pairs;
    for (const RawParameter& parameter : split_query(query))
        if (parameter.name != "X-Amz-Signature")
            pairs.push_back({canonical(parameter.name), canonical(parameter.value)});
    std::ranges::sort(pairs);
    std::string out;
    for (const Pair& pair : pairs) {
        if (!out.empty()) out += '&';
        out += pair.name + '=' + pair.value;
    }
    return out;
}

std::string canonical_headers(const net::Headers& headers, std::span<const std::string> names,
                              std::string_view host) {
    std::string out;
    out.reserve(512);
    const auto append = [&](std::string_view value) {
        bool space = false;
        for (const char c : trim(value)) {
            if (c == ' ' && space) continue;
            space = c == ' ';
            out += c;
        }
    };
    for (const std::string& name : names) {
        out += name;
        out += ':';
        if (name == "host" || name == ":authority") {
            append(host);
        } else {
            bool first = true;
            for (const net::Header& header : headers) {
                if (!equals_ignoring_case(header.name, name)) continue;
                if (!first) out += ',';
                first = false;
                append(header.value);
            }
        }
        out += '\n';
    }
    return out;
}

std::string joined(std::span<const std::string> names) {
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += ';';
        out += name;
    }
    return out;
}

std::string string_to_sign(const CanonicalParts& parts, std::string_view amz_date,
                           std::string_view scope) {
    std::string request;
    request.reserve(parts.path.size() + parts.query.size() + parts.headers.size() +
                    parts.signed_headers.size() + parts.payload_hash.size() + 32);
    for (const std::string_view part :
         {parts.method, parts.path, parts.query, parts.headers, parts.signed_headers}) {
        request += part;
        request += '\n';
    }
    request += parts.payload_hash;
    std::string out(kAlgorithm);
    out += '\n';
    out += amz_date;
    out += '\n';
    out += scope;
    out += '\n';
    out += sha256_hex(request);
    return out;
}

Sha256 derive_key(std::string_view secret, std::string_view date, std::string_view region,
                  std::string_view service) {
    const Sha256 of_date = hmac_sha256("AWS4" + std::string(secret), date);
    const Sha256 of_region = hmac_sha256(as_text(of_date), region);
    const Sha256 of_service = hmac_sha256(as_text(of_region), service);
    return hmac_sha256(as_text(of_service), "aws4_request");
}

}  // namespace ac::sigv4
