#include "wire/s3_request.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/time_text.h"
#include "wire/s3_error.h"

namespace ac::wire {
namespace {

// Sub-resources of S3's API, 2006-03-01.
constexpr std::array<std::string_view, 42> kSubresources = {"accelerate",
                                                            "acl",
                                                            "analytics",
                                                            "attributes",
                                                            "cors",
                                                            "delete",
                                                            "encryption",
                                                            "intelligent-tiering",
                                                            "inventory",
                                                            "legal-hold",
                                                            "lifecycle",
                                                            "location",
                                                            "logging",
                                                            "metadataConfiguration",
                                                            "metadataTable",
                                                            "metrics",
                                                            "notification",
                                                            "object-lock",
                                                            "ownershipControls",
                                                            "partNumber",
                                                            "policy",
                                                            "policyStatus",
                                                            "publicAccessBlock",
                                                            "renameObject",
                                                            "replication",
                                                            "requestPayment",
                                                            "restore",
                                                            "retention",
                                                            "select",
                                                            "session",
                                                            "tagging",
                                                            "torrent",
                                                            "uploadId",
                                                            "uploads",
                                                            "versionId",
                                                            "versioning",
                                                            "versions",
                                                            "website",
                                                            "abac",
                                                            "annotation",
                                                            "metadataJournalTable",
                                                            "metadataInventoryTable"};

constexpr std::array<std::string_view, 6> kStoredHeaders = {
    "cache-control",    "content-disposition", "content-encoding",
    "content-language", "content-type",        "expires"};

std::string without_aws_chunked(std::string_view encodings) {
    std::string kept;
    while (!encodings.empty()) {
        const std::size_t comma = encodings.find(',');
        const auto one = trim(encodings.substr(0, comma));
        if (!one.empty() && !equals_ignoring_case(one, "aws-chunked")) {
            if (!kept.empty()) kept += ",";
            kept += one;
        }
        encodings.remove_prefix(comma == std::string_view::npos ? encodings.size() : comma + 1);
    }
    return kept;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool lists_etag(std::string_view list, std::string_view etag) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        auto one = trim(list.substr(0, comma));
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == "*") return true;
        if (one.size() >= 2 && one.front() == '"' && one.back() == '"')
            one = one.substr(1, one.size() - 2);
        if (one == etag) return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

// "b" of b.s3.us-west-2.amazonaws.com; empty: the host names no bucket.
std::string_view bucket_in_host(const net::RequestHead& head) {
    std::string_view host = head.headers.get("Host");
    host = host.substr(0, host.find(':'));
    if (!host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn")) return {};
    const auto service = host.rfind(".s3.");
    return service == std::string_view::npos ? std::string_view() : host.substr(0, service);
}

// HTTP dates have no fraction.
WallTime whole_seconds(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace

const std::string* S3Request::find(std::string_view name) const {
    const auto found = std::ranges::find(query, name, &QueryParameter::name);
    return found == query.end() ? nullptr : &found->value;
}

std::string S3Request::get(std::string_view name) const {
    const std::string* value = find(name);
    return value == nullptr ? std::string() : *value;
}

Result<S3Request> parse_s3_request(const net::RequestHead& head) {
    S3Request request;
    request.method = head.method;
    std::string_view path = head.path();
    if (path.starts_with('/')) path.remove_prefix(1);
    const std::string_view hosted = bucket_in_host(head);
    const std::size_t slash = hosted.empty() ? path.find('/') : std::string_view::npos;
    const auto bucket =
        hosted.empty() ? percent_decode(path.substr(0, slash)) : std::string(hosted);
    if (hosted.empty()) path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    const auto key = percent_decode(path);
    auto query = parse_query(head.query());
    if (!bucket || !key || !query)
        return s3_fail(ErrorCode::invalid_argument, "InvalidURI",
                       "Couldn't parse the specified URI.");
    request.bucket = *bucket;
    request.key = *key;
    request.query = *std::move(query);
    return request;
}

std::string_view unserved_subresource(const S3Request& request,
                                      std::initializer_list<std::string_view> served) {
    for (const QueryParameter& parameter : request.query) {
        const auto known = std::ranges::find(kSubresources, parameter.name);
        if (known == kSubresources.end() || std::ranges::find(served, *known) != served.end())
            continue;
        // The only version there is.
        if (*known == "versionId" && parameter.value == "null") continue;
        return *known;
    }
    return {};
}

objects::Attributes stored_attributes(const net::Headers& headers) {
    objects::Attributes attributes;
    for (const net::Header& header : headers) {
        const std::string name = to_lower(header.name);
        std::string value = header.value;
        if (name == "content-encoding") {
            value = without_aws_chunked(value);
            if (value.empty()) continue;
        }
        if (name.starts_with("x-amz-meta-") ||
            std::ranges::find(kStoredHeaders, name) != kStoredHeaders.end())
            attributes.emplace_back(name, std::move(value));
    }
    return attributes;
}

Result<std::optional<ByteRange>> parse_range(std::string_view header, std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit)) return std::optional<ByteRange>();
    const std::string_view spec = trim(header.substr(kUnit.size()));
    const std::size_t dash = spec.find('-');
    if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos)
        return std::optional<ByteRange>();
    const auto first = number_of(spec.substr(0, dash));
    const auto last = number_of(spec.substr(dash + 1));
    const auto unsatisfiable = [] {
        return s3_fail(ErrorCode::invalid_argument, "InvalidRange",
                       "The requested range is not satisfiable");
    };
    if (!first) {
        if (dash != 0 || !last) return std::optional<ByteRange>();
        if (*last == 0 || size == 0) return unsatisfiable();
        return ByteRange{.first = size - std::min(*last, size), .last = size - 1};
    }
    if (!last && dash + 1 != spec.size()) return std::optional<ByteRange>();
    if (last && *last < *first) return std::optional<ByteRange>();
    if (*first >= size) return unsatisfiable();
    return ByteRange{.first = *first, .last = std::min(last.value_or(size - 1), size - 1)};
}

Condition evaluate_conditions(const net::Headers& headers, std::string_view etag,
                              WallTime modified) {
    const WallTime seconds = whole_seconds(modified);
    if (const auto match = headers.find("if-match")) {
        if (!lists_etag(*match, etag)) return Condition::failed;
    } else if (const auto since = headers.find("if-unmodified-since")) {
        const auto time = from_http_date(*since);
        if (time && seconds > *time) return Condition::failed;
    }
    if (const auto none = headers.find("if-none-match")) {
        if (lists_etag(*none, etag)) return Condition::not_modified;
    } else if (const auto since = headers.find("if-modified-since")) {
        const auto time = from_http_date(*since);
        if (time && seconds <= *time) return Condition::not_modified;
    }
    return Condition::met;
}

Result<objects::ObjectKey> parse_copy_source(std::string_view header) {
    const std::size_t question = header.find("?versionId=");
    if (question != std::string_view::npos && header.substr(question + 11) != "null")
        return s3_fail(ErrorCode::not_implemented, "NotImplemented",
                       "Object versions are not implemented.");
    const auto decoded = percent_decode(header.substr(0, question));
    if (!decoded)
        return s3_fail(ErrorCode::invalid_argument, "InvalidArgument",
                       "The copy source is not percent-encoded.");
    std::string_view path = *decoded;
    if (path.starts_with('/')) path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == path.size())
        return s3_fail(ErrorCode::invalid_argument, "InvalidArgument",
                       "Copy Source must mention the source bucket and key: "
                       "sourcebucket/sourcekey");
    return objects::ObjectKey{.bucket = std::string(path.substr(0, slash)),
                              .key = std::string(path.substr(slash + 1))};
}

}  // namespace ac::wire
