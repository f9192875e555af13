#include "sigv4/signer.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/result.h"
#include "base/time_text.h"
#include "sigv4/canonical.h"

namespace ac::sigv4 {
namespace {

// What proxies and clients change on the way.
constexpr std::array<std::string_view, 11> kUnsigned = {
    "accept-encoding", "authorization",     "connection", "expect",  "keep-alive",     "te",
    "trailer",         "transfer-encoding", "user-agent", "upgrade", "x-amzn-trace-id"};

std::vector<std::string> names_to_sign(const net::Headers& headers) {
    std::vector<std::string> names;
    for (const net::Header& header : headers) {
        std::string name = to_lower(header.name);
        if (std::ranges::find(kUnsigned, name) == kUnsigned.end()) names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return names;
}

std::string scope_of(const Signing& signing) {
    return to_amz_date(signing.now).substr(0, 8) + '/' + signing.region + '/' + signing.service +
           "/aws4_request";
}

std::string signature_of(const net::RequestHead& head, std::span<const std::string> names,
                         std::string_view payload_hash, const Credentials& credentials,
                         const Signing& signing) {
    const std::string path = canonical_path(head.path(), signing.service == "s3");
    const std::string query = canonical_query(head.query(), false);
    const std::string headers =
        canonical_headers(head.headers, names, trim(head.headers.get("host")));
    const std::string list = joined(names);
    const CanonicalParts parts{.method = head.method,
                               .path = path,
                               .query = query,
                               .headers = headers,
                               .signed_headers = list,
                               .payload_hash = payload_hash};
    const std::string date = to_amz_date(signing.now);
    const std::string text = string_to_sign(parts, date, scope_of(signing));
    const Sha256 key =
        derive_key(credentials.secret, date.substr(0, 8), signing.region, signing.service);
    return to_hex(hmac_sha256(as_text(key), text));
}

}  // namespace

void sign(net::RequestHead& head, std::string_view body_sha256, const Credentials& credentials,
          const Signing& signing) {
    AC_ASSERT(head.headers.contains("host"));
    head.headers.set("X-Amz-Date", to_amz_date(signing.now));
    head.headers.set("X-Amz-Content-Sha256", std::string(body_sha256));
    if (!credentials.session_token.empty())
        head.headers.set("X-Amz-Security-Token", credentials.session_token);
    const std::vector<std::string> names = names_to_sign(head.headers);
    const std::string signature = signature_of(head, names, body_sha256, credentials, signing);
    head.headers.set("Authorization", std::string(kAlgorithm) +
                                          " Credential=" + credentials.access_key_id + '/' +
                                          scope_of(signing) + ", SignedHeaders=" + joined(names) +
                                          ", Signature=" + signature);
}

std::string presign(const net::RequestHead& head, const Credentials& credentials,
                    const Signing& signing, Seconds expires) {
    AC_ASSERT(head.headers.contains("host"));
    const std::vector<std::string> names{"host"};
    net::RequestHead out{.method = head.method,
                         .target = head.target,
                         .headers = {{"host", std::string(head.headers.get("host"))}}};
    const auto add = [&](std::string_view name, std::string_view value) {
        out.target += out.target.find('?') == std::string::npos ? '?' : '&';
        out.target += std::string(name) + '=' + percent_encode(value);
    };
    add("X-Amz-Algorithm", kAlgorithm);
    add("X-Amz-Credential", credentials.access_key_id + '/' + scope_of(signing));
    add("X-Amz-Date", to_amz_date(signing.now));
    add("X-Amz-Expires", std::to_string(expires.count()));
    add("X-Amz-SignedHeaders", joined(names));
    if (!credentials.session_token.empty()) add("X-Amz-Security-Token", credentials.session_token);
    const bool is_s3 = signing.service == "s3";
    const std::string payload = is_s3 ? "UNSIGNED-PAYLOAD" : sha256_hex("");
    const std::string signature = signature_of(out, names, payload, credentials, signing);
    add("X-Amz-Signature", signature);
    return out.target;
}

}  // namespace ac::sigv4
