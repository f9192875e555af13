#include "sigv4/authorization.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "base/time_text.h"
#include "sigv4/canonical.h"

namespace ac::sigv4 {
namespace {

constexpr std::size_t kSignedHeadersMax = 100;

std::unexpected<Error> incomplete(std::string message) {
    return fail(Error{.code = ErrorCode::unauthenticated,
                      .message = std::move(message),
                      .reason = "IncompleteSignatureException"});
}

bool is_plain(std::string_view text, std::size_t length_max) {
    return !text.empty() && text.size() <= length_max && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

bool is_hash(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// "AKID/20260102/us-west-2/service/aws4_request"
Result<> read_credential(std::string_view text, Authorization& out) {
    std::string_view parts[5];
    for (std::size_t i = 0; i < 5; ++i) {
        const auto slash = i < 4 ? text.find('/') : text.size();
        if (slash == std::string_view::npos)
            return incomplete("Credential must have five slash-delimited parts");
        parts[i] = text.substr(0, slash);
        text.remove_prefix(std::min(text.size(), slash + 1));
    }
    if (parts[4] != "aws4_request")
        return incomplete("Credential should be scoped with a valid terminator: 'aws4_request'");
    if (!is_plain(parts[0], 128) || !is_plain(parts[2], 64) || !is_plain(parts[3], 64))
        return incomplete("Credential is not well formed");
    out.access_key_id = parts[0];
    out.date = parts[1];
    out.region = parts[2];
    out.service = parts[3];
    return {};
}

Result<> read_signed_headers(std::string_view text, Authorization& out) {
    while (!text.empty()) {
        const std::string_view name = text.substr(0, text.find(';'));
        text.remove_prefix(std::min(text.size(), name.size() + 1));
        const bool ascending = out.signed_headers.empty() || out.signed_headers.back() < name;
        if (name.empty() || to_lower(name) != name || !ascending ||
            out.signed_headers.size() == kSignedHeadersMax)
            return incomplete("SignedHeaders must be lower case, sorted and each named once");
        out.signed_headers.emplace_back(name);
    }
    if (out.signed_headers.empty()) return incomplete("SignedHeaders is empty");
    return {};
}

Result<> read_signature(std::string_view text, Authorization& out) {
    if (!is_hash(text)) return incomplete("Signature must be 64 lower case hexadecimal digits");
    out.signature = text;
    return {};
}

Result<> read_date(std::string_view text, Authorization& out) {
    auto time = from_amz_date(text);
    if (!time) time = from_http_date(text);
    if (!time) return incomplete("Date must be in ISO-8601 'basic format'");
    out.signed_at = *time;
    out.amz_date = to_amz_date(*time);
    if (!out.amz_date.starts_with(out.date))
        return incomplete("Date in Credential scope does not match the date of the request");
    return {};
}

// The one value of a header that must not be repeated; "" when it is absent.
Result<std::string_view> single_header(const net::Headers& headers, std::string_view name) {
    std::string_view value;
    bool seen = false;
    for (const net::Header& header : headers) {
        if (!equals_ignoring_case(header.name, name)) continue;
        if (seen) return incomplete(std::string(name) + " is given twice");
        seen = true;
        value = trim(header.value);
    }
    return value;
}

Result<Authorization> parse_header(const net::RequestHead& head) {
    Authorization out;
    AC_TRY(std::string_view text, single_header(head.headers, "authorization"));
    text.remove_prefix(kAlgorithm.size());
    std::optional<std::string_view> credential;
    std::optional<std::string_view> names;
    std::optional<std::string_view> signature;
    while (!text.empty()) {
        const std::string_view raw = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), raw.size() + 1));
        const std::string_view part = trim(raw);
        if (part.empty()) continue;
        const auto equals = part.find('=');
        const std::string_view name = part.substr(0, equals);
        auto* field = name == "Credential"      ? &credential
                      : name == "SignedHeaders" ? &names
                      : name == "Signature"     ? &signature
                                                : nullptr;
        if (field == nullptr || *field || equals == std::string_view::npos)
            return incomplete("Authorization header is not well formed");
        *field = part.substr(equals + 1);
    }
    if (!credential || !names || !signature)
        return incomplete(
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'");
    AC_CHECK(read_credential(*credential, out));
    AC_CHECK(read_signed_headers(*names, out));
    AC_CHECK(read_signature(*signature, out));
    AC_TRY(std::string_view date, single_header(head.headers, "x-amz-date"));
    if (date.empty()) {
        AC_TRY(date, single_header(head.headers, "date"));
    }
    if (date.empty())
        return incomplete("Authorization header requires existence of 'X-Amz-Date' or 'Date'");
    AC_CHECK(read_date(date, out));
    AC_TRY(out.security_token, single_header(head.headers, "x-amz-security-token"));
    AC_TRY(out.content_sha256, single_header(head.headers, "x-amz-content-sha256"));
    return out;
}

// The one value of a query parameter; "" when it is absent.
Result<std::string> single_parameter(const std::vector<RawParameter>& parameters,
                                     std::string_view name) {
    std::optional<std::string> value;
    for (const RawParameter& parameter : parameters) {
        if (parameter.name != name) continue;
        if (value) return incomplete(std::string(name) + " is given twice");
        value = percent_decode(parameter.value);
        if (!value) return incomplete(std::string(name) + " is not percent-encoded correctly");
    }
    return value.value_or("");
}

Result<Authorization> parse_query(const net::RequestHead& head) {
    Authorization out;
    out.presigned = true;
    const auto parameters = split_query(head.query());
    AC_TRY(const std::string algorithm, single_parameter(parameters, "X-Amz-Algorithm"));
    if (algorithm != kAlgorithm) return incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256");
    AC_TRY(const std::string credential, single_parameter(parameters, "X-Amz-Credential"));
    AC_CHECK(read_credential(credential, out));
    AC_TRY(const std::string names, single_parameter(parameters, "X-Amz-SignedHeaders"));
    AC_CHECK(read_signed_headers(names, out));
    AC_TRY(const std::string signature, single_parameter(parameters, "X-Amz-Signature"));
    AC_CHECK(read_signature(signature, out));
    AC_TRY(const std::string date, single_parameter(parameters, "X-Amz-Date"));
    AC_CHECK(read_date(date, out));
    AC_TRY(const std::string expires, single_parameter(parameters, "X-Amz-Expires"));
    int seconds = 0;
    const char* end = expires.data() + expires.size();
    const auto read = std::from_chars(expires.data(), end, seconds);
    if (read.ec != std::errc{} || read.ptr != end || seconds < 1)
        return incomplete("X-Amz-Expires must be a number of seconds");
    out.expires = Seconds{seconds};
    AC_TRY(out.security_token, single_parameter(parameters, "X-Amz-Security-Token"));
    AC_TRY(out.content_sha256, single_parameter(parameters, "X-Amz-Content-Sha256"));
    if (out.content_sha256.empty()) {
        AC_TRY(out.content_sha256, single_header(head.headers, "x-amz-content-sha256"));
    }
    return out;
}

bool has_signed_header(const net::RequestHead& head) {
    for (const net::Header& header : head.headers)
        if (equals_ignoring_case(header.name, "authorization") &&
            trim(header.value).starts_with(kAlgorithm))
            return true;
    return false;
}

bool has_signed_query(const net::RequestHead& head) {
    return head.query().find("X-Amz-Algorithm=") != std::string_view::npos;
}

}  // namespace

bool is_signed(const net::RequestHead& head) {
    return has_signed_header(head) || has_signed_query(head);
}

Result<Authorization> parse_authorization(const net::RequestHead& head) {
    const bool in_header = has_signed_header(head);
    const bool in_query = has_signed_query(head);
    if (in_header && in_query)
        return incomplete("Only one of the Authorization header and X-Amz-Algorithm may be given");
    if (in_header) return parse_header(head);
    if (in_query) return parse_query(head);
    return fail(Error{.code = ErrorCode::unauthenticated,
                      .message = "Missing Authentication Token",
                      .reason = "MissingAuthenticationTokenException"});
}

}  // namespace ac::sigv4
