#include "sigv4/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/encoding.h"
#include "base/time_text.h"
#include "sigv4/canonical.h"

namespace ac::sigv4 {
namespace {

constexpr std::string_view kMismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details.";

std::unexpected<Error> refuse(std::string_view exception, std::string message) {
    return fail(Error{.code = ErrorCode::unauthenticated,
                      .message = std::move(message),
                      .reason = std::string(exception)});
}

std::unexpected<Error> invalid(std::string message) {
    return refuse("InvalidSignatureException", std::move(message));
}

Result<> check_time(const Authorization& a, WallTime now, const Policy& policy) {
    if (now < a.signed_at - policy.clock_skew)
        return invalid(fmt::format("Signature not yet current: {} is still later than {}",
                                   a.amz_date, to_amz_date(now)));
    if (!a.presigned) {
        if (now > a.signed_at + policy.clock_skew)
            return invalid(fmt::format("Signature expired: {} is now earlier than {}", a.amz_date,
                                       to_amz_date(now - policy.clock_skew)));
        return {};
    }
    if (a.expires > policy.presigned_expiry_max)
        return invalid(fmt::format("X-Amz-Expires must be at most {} seconds",
                                   policy.presigned_expiry_max.count()));
    if (now > a.signed_at + a.expires)
        return refuse("ExpiredTokenException",
                      fmt::format("Signature expired: {} plus {} seconds is earlier than {}",
                                  a.amz_date, a.expires.count(), to_amz_date(now)));
    return {};
}

// For whom a runtime's agent is to act: whoever comes by a signed request must not be able to say.
constexpr std::string_view kUserHeader = "x-amzn-bedrock-agentcore-runtime-user-id";

bool must_be_signed(std::string_view header) {
    constexpr std::string_view kAmz = "x-amz-";
    return equals_ignoring_case(header.substr(0, kAmz.size()), kAmz) ||
           equals_ignoring_case(header, kUserHeader);
}

// Host, and everything of x-amz-*: otherwise a header could be added to a signed request.
Result<> check_signed_headers(const Authorization& a, const net::RequestHead& head) {
    const auto is_signed = [&](const std::string& name) {
        return std::ranges::binary_search(a.signed_headers, name);
    };
    // HTTP/2 has the host in a pseudo field, and clients that speak it sign it under that name.
    if (!is_signed("host") && !is_signed(":authority"))
        return invalid("'Host' must be a signed header");
    for (const net::Header& header : head.headers) {
        if (!must_be_signed(header.name)) continue;
        const std::string name = to_lower(header.name);
        if (!is_signed(name)) return invalid(fmt::format("'{}' must be a signed header", name));
    }
    return {};
}

// The payload hash that the signature was made over.
Result<std::string> payload_hash(const Authorization& a, std::string_view body_sha256,
                                 const Policy& policy) {
    if (a.content_sha256.empty()) {
        if (a.presigned && a.service == "s3") return std::string(kUnsignedPayload);
        if (body_sha256.empty()) return invalid("The request has no payload hash");
        return std::string(body_sha256);
    }
    const bool unsigned_payload =
        a.content_sha256 == kUnsignedPayload || a.content_sha256.starts_with(kStreamingPrefix);
    if (unsigned_payload) {
        if (!policy.unsigned_payload_allowed)
            return invalid("This operation needs a signed payload");
        return a.content_sha256;
    }
    if (!body_sha256.empty() && to_lower(a.content_sha256) != body_sha256)
        return invalid(
            "The provided 'x-amz-content-sha256' header does not match what was computed");
    return a.content_sha256;
}

// Clients and what stands between differ in whether the port belongs to the signed Host: the form
// that was not sent, or nullopt.
std::optional<std::string> other_host(std::string_view host, const Policy& policy) {
    const auto colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
        return std::string(host.substr(0, colon));
    if (policy.port == 0) return std::nullopt;
    return fmt::format("{}:{}", host, policy.port);
}

// What is the same for every form of the host and the query.
struct Signed {
    const Authorization& authorization;
    const net::RequestHead& head;
    std::string_view payload_hash;
    const Sha256& key;
    std::string_view scope;
    std::string path;
    std::string names;
};

bool matches_form(const Signed& given, std::string_view query, std::string_view host) {
    const Authorization& a = given.authorization;
    const std::string headers = canonical_headers(given.head.headers, a.signed_headers, host);
    const CanonicalParts parts{.method = given.head.method,
                               .path = given.path,
                               .query = query,
                               .headers = headers,
                               .signed_headers = given.names,
                               .payload_hash = given.payload_hash};
    const std::string text = string_to_sign(parts, a.amz_date, given.scope);
    const std::string expected = to_hex(hmac_sha256(as_text(given.key), text));
    return equal_in_constant_time(expected, a.signature);
}

// The first form is nearly always it; the others are made when it is not.
bool matches(const Signed& given, const Policy& policy) {
    const std::string_view host = trim(given.head.headers.get("host"));
    const std::string query = canonical_query(given.head.query(), false);
    if (matches_form(given, query, host)) return true;
    const auto host_too = other_host(host, policy);
    if (host_too && matches_form(given, query, *host_too)) return true;
    const std::string query_too = canonical_query(given.head.query(), true);
    if (query_too == query) return false;
    if (matches_form(given, query_too, host)) return true;
    return host_too && matches_form(given, query_too, *host_too);
}

std::string sign_text(const Verified& seed, std::string_view text) {
    return to_hex(hmac_sha256(as_text(seed.signing_key), text));
}

}  // namespace

Result<Verified> Verifier::verify(const Authorization& authorization, const net::RequestHead& head,
                                  const KeyMaterial& key, std::string_view body_sha256,
                                  WallTime now, const Policy& policy) {
    if (!equal_in_constant_time(authorization.security_token, key.session_token))
        return refuse("UnrecognizedClientException",
                      "The security token included in the request is invalid.");
    AC_CHECK(check_time(authorization, now, policy));
    AC_CHECK(check_signed_headers(authorization, head));
    AC_TRY(const std::string hash, payload_hash(authorization, body_sha256, policy));
    std::string scope = authorization.scope();
    const Sha256 derived = signing_key(key.secret, authorization);
    const Signed given{.authorization = authorization,
                       .head = head,
                       .payload_hash = hash,
                       .key = derived,
                       .scope = scope,
                       .path = canonical_path(head.path(), authorization.service == "s3"),
                       .names = joined(authorization.signed_headers)};
    if (!matches(given, policy)) return invalid(std::string(kMismatch));
    return Verified{.signing_key = derived,
                    .scope = std::move(scope),
                    .amz_date = authorization.amz_date,
                    .signature = authorization.signature};
}

Sha256 Verifier::signing_key(std::string_view secret, const Authorization& authorization) {
    std::string scope = authorization.scope();
    const Sha256 hashed = sha256(secret);
    const std::size_t at =
        (std::hash<std::string_view>{}(scope) ^ std::hash<std::string_view>{}(as_text(hashed))) %
        kSlots;
    {
        const std::lock_guard lock(mutex_);
        const Slot& slot = slots_[at];
        if (slot.scope == scope && equal_in_constant_time(as_text(slot.secret), as_text(hashed)))
            return slot.key;
    }
    const Sha256 key =
        derive_key(secret, authorization.date, authorization.region, authorization.service);
    const std::lock_guard lock(mutex_);
    slots_[at] = {.secret = hashed, .scope = std::move(scope), .key = key};
    return key;
}

std::string chunk_signature(const Verified& seed, std::string_view previous,
                            std::string_view chunk_sha256) {
    static constexpr std::string_view kEmptyHash =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    return sign_text(
        seed, fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", seed.amz_date, seed.scope,
                          previous, kEmptyHash, chunk_sha256));
}

std::string trailer_signature(const Verified& seed, std::string_view previous,
                              std::string_view trailers) {
    return sign_text(seed, fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", seed.amz_date,
                                       seed.scope, previous, sha256_hex(trailers)));
}

}  // namespace ac::sigv4
