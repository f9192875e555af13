#include "net/http_head.h"

#include <array>
#include <cstring>

#include "base/encoding.h"

namespace ac::net {
namespace {

constexpr std::string_view kCrlf = "\r\n";

enum CharClass : unsigned char { kToken = 1, kValue = 2, kTarget = 4, kHost = 8 };

constexpr std::array<unsigned char, 256> make_classes() {
    std::array<unsigned char, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool alnum =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const auto in = [&](std::string_view set) {
            return set.find(static_cast<char>(c)) != std::string_view::npos;
        };
        unsigned char bits = 0;
        if (alnum || (c != 0 && in("!#$%&'*+-.^_`|~"))) bits |= kToken;
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= kValue;
        if (c > 0x20 && c < 0x7f && c != '#') bits |= kTarget;
        if (alnum || (c != 0 && in("-._~%!$&'()*+,;=:[]"))) bits |= kHost;
        table[c] = bits;
    }
    return table;
}

constexpr auto kClasses = make_classes();

bool all_of_class(std::string_view text, CharClass wanted) {
    unsigned common = wanted;  // without a branch a character: nearly all texts are right
    for (const char c : text) common &= kClasses[static_cast<unsigned char>(c)];
    return common != 0;
}

// Takes the next line off `text`, without its CRLF. HeadScanner saw to it that there is one.
std::string_view next_line(std::string_view& text) {
    const auto end = text.find(kCrlf);
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + kCrlf.size());
    return line;
}

std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Calls `visit` with each member of a comma-separated list.
template <class Visit>
void for_each_member(std::string_view list, Visit visit) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto member = trim_blanks(list.substr(0, comma));
        if (!member.empty()) visit(member);
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

bool parse_decimal(std::string_view text, std::uint64_t& out) {
    if (text.empty() || text.size() > 18) return false;
    out = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return true;
}

// What the fields say about framing, gathered while they are read.
struct FieldFacts {
    std::optional<std::string_view> host;
    bool has_length = false;
    bool has_coding = false;
    bool chunked = false;
    bool unknown_coding = false;
    std::uint64_t length = 0;
    bool says_close = false;
    bool says_keep_alive = false;
    bool expects = false;
    bool expects_continue = false;
};

using Refusal = std::optional<Rejection>;

Refusal note_content_length(std::string_view value, FieldFacts& facts, int status) {
    if (facts.has_length) return Rejection{status, "Content-Length is repeated"};
    facts.has_length = true;
    if (!parse_decimal(value, facts.length))
        return Rejection{status, "Content-Length is not a number"};
    return {};
}

Refusal note_transfer_encoding(std::string_view value, FieldFacts& facts, int status) {
    facts.has_coding = true;
    if (value.empty()) return Rejection{status, "Transfer-Encoding is empty"};
    Refusal refusal;
    for_each_member(value, [&](std::string_view coding) {
        // chunked must come last and only once (RFC 9112 6.1).
        if (facts.chunked) refusal = Rejection{status, "chunked is not the last transfer coding"};
        if (equals_ignoring_case(coding, "chunked"))
            facts.chunked = true;
        else
            facts.unknown_coding = true;
    });
    return refusal;
}

void note_connection(std::string_view value, FieldFacts& facts) {
    for_each_member(value, [&](std::string_view option) {
        if (equals_ignoring_case(option, "close")) facts.says_close = true;
        if (equals_ignoring_case(option, "keep-alive")) facts.says_keep_alive = true;
    });
}

Refusal note_field(std::string_view name, std::string_view value, FieldFacts& facts, int status) {
    switch (name.size()) {
        case 4:
            if (equals_ignoring_case(name, "host")) {
                if (facts.host) return Rejection{status, "Host is repeated"};
                facts.host = value;
                if (!all_of_class(value, kHost)) return Rejection{status, "Host is malformed"};
            }
            return {};
        case 6:
            if (equals_ignoring_case(name, "expect")) {
                facts.expects = true;
                facts.expects_continue = equals_ignoring_case(value, "100-continue");
            }
            return {};
        case 10:
            if (equals_ignoring_case(name, "connection")) note_connection(value, facts);
            return {};
        case 14:
            if (equals_ignoring_case(name, "content-length"))
                return note_content_length(value, facts, status);
            return {};
        case 17:
            if (equals_ignoring_case(name, "transfer-encoding"))
                return note_transfer_encoding(value, facts, status);
            return {};
        default:
            return {};
    }
}

Refusal parse_fields(std::string_view text, std::size_t count_max, Headers& out, FieldFacts& facts,
                     int status) {
    while (true) {
        const auto line = next_line(text);
        if (line.empty()) return {};
        if (line.front() == ' ' || line.front() == '\t')
            return Rejection{status, "a field is folded over two lines"};
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return Rejection{status, "a field has no colon"};
        const auto name = line.substr(0, colon);
        const auto value = trim_blanks(line.substr(colon + 1));
        if (!is_token(name)) return Rejection{status, "a field name is malformed"};
        if (!is_field_value(value))
            return Rejection{status, "a field value has control characters"};
        if (out.size() >= count_max)
            return Rejection{status == 400 ? 431 : status, "too many fields"};
        // Twice the same is forbidden (RFC 9112 3.2), but nothing that two readers could read
        // differently, and what the AgentCore SDK's shells send.
        if (facts.host == value && equals_ignoring_case(name, "host")) continue;
        if (auto refusal = note_field(name, value, facts, status)) return refusal;
        out.add(std::string(name), std::string(value));
    }
}

Refusal parse_version(std::string_view version, int& minor) {
    if (version == "HTTP/1.1") {
        minor = 1;
        return {};
    }
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7]))
        return Rejection{400, "the request line has no HTTP version"};
    if (version[5] != '1') return Rejection{505, "only HTTP/1.1 is spoken here"};
    minor = version[7] == '0' ? 0 : 1;
    return {};
}

Refusal parse_request_line(std::string_view line, RequestHead& out, int& minor) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return Rejection{400, "the request line is malformed"};
    const auto method = line.substr(0, first);
    const auto target = line.substr(first + 1, last - first - 1);
    if (!is_token(method)) return Rejection{400, "the method is malformed"};
    if (auto refusal = parse_version(line.substr(last + 1), minor)) return refusal;
    if (!is_target(target)) return Rejection{400, "the request target is malformed"};
    out.method.assign(method);
    out.target.assign(target);
    return {};
}

// "http://host:1/a?b" becomes "/a?b" with that Host; the other forms are checked.
Refusal settle_target(RequestHead& out) {
    std::string_view target = out.target;
    if (target.front() == '/') return {};
    if (target == "*" && out.method == "OPTIONS") return {};
    if (out.method == "CONNECT") {
        if (all_of_class(target, kHost)) return {};
        return Rejection{400, "the request target is malformed"};
    }
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos ||
        (!equals_ignoring_case(target.substr(0, scheme), "http") &&
         !equals_ignoring_case(target.substr(0, scheme), "https")))
        return Rejection{400, "the request target is malformed"};
    target.remove_prefix(scheme + 3);
    const auto end = target.find_first_of("/?");
    const auto authority = target.substr(0, end);
    if (authority.empty() || !all_of_class(authority, kHost))
        return Rejection{400, "the request target is malformed"};
    std::string origin(end == std::string_view::npos ? std::string_view() : target.substr(end));
    if (origin.empty() || origin.front() == '?') origin.insert(0, "/");
    out.headers.set("Host", std::string(authority));
    out.target = std::move(origin);
    return {};
}

std::expected<Framing, Rejection> request_framing(const FieldFacts& facts, int minor) {
    const auto refuse = [](int status, std::string_view reason) {
        return std::unexpected(Rejection{status, reason});
    };
    if (minor >= 1 && !facts.host) return refuse(400, "Host is missing");
    if (facts.has_coding) {
        if (facts.has_length) return refuse(400, "both Content-Length and Transfer-Encoding");
        if (minor == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
        if (facts.unknown_coding) return refuse(501, "unknown transfer coding");
        if (!facts.chunked) return refuse(400, "Transfer-Encoding is empty");
    }
    if (facts.expects && !facts.expects_continue && minor >= 1)
        return refuse(417, "unknown expectation");
    Framing framing;
    framing.version_minor = minor;
    framing.keep_alive = minor >= 1 ? !facts.says_close : facts.says_keep_alive;
    if (facts.says_close) framing.keep_alive = false;
    if (facts.chunked)
        framing.coding = Coding::chunked;
    else if (facts.length > 0)
        framing.coding = Coding::length;
    framing.length = facts.length;
    framing.expects_continue =
        minor >= 1 && facts.expects_continue && framing.coding != Coding::none;
    return framing;
}

Refusal parse_status_line(std::string_view line, int& status, int& minor) {
    constexpr Rejection kMalformed{502, "the status line is malformed"};
    // "HTTP/1.1 200 OK"; the blank after the code is missing in the wild when there is no reason.
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return kMalformed;
    if (line[7] < '0' || line[7] > '9') return kMalformed;
    minor = line[7] == '0' ? 0 : 1;
    std::uint64_t code = 0;
    if (!parse_decimal(line.substr(9, 3), code) || code < 100) return kMalformed;
    if (line.size() > 12 && line[12] != ' ') return kMalformed;
    if (!is_field_value(line.substr(12))) return kMalformed;
    status = static_cast<int>(code);
    return {};
}

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && all_of_class(text, kToken);
}

bool is_field_value(std::string_view text) {
    return all_of_class(text, kValue);
}

bool is_target(std::string_view text) {
    return !text.empty() && all_of_class(text, kTarget);
}

HeadScanner::State HeadScanner::scan(std::string_view text) {
    // Something that is not HTTP at all (a TLS hello, say) is refused at its first byte instead of
    // being waited for.
    if (!started_ && !text.empty() && text[0] != '\r' &&
        (kClasses[static_cast<unsigned char>(text[0])] & kToken) == 0)
        return State::malformed;
    while (scanned_ < text.size()) {
        const void* found = std::memchr(text.data() + scanned_, '\n', text.size() - scanned_);
        if (found == nullptr) {
            scanned_ = text.size();
            return State::incomplete;
        }
        const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        if (at == line_start_ || text[at - 1] != '\r') return State::malformed;
        const bool empty = at - line_start_ == 1;
        scanned_ = line_start_ = at + 1;
        // Empty lines before the first one are skipped (RFC 9112 2.2).
        if (empty && started_) return State::complete;
        if (!empty) started_ = true;
    }
    return State::incomplete;
}

std::expected<Framing, Rejection> parse_request_head(std::string_view text,
                                                     std::size_t header_count_max,
                                                     RequestHead& out) {
    out.headers.clear();
    while (text.starts_with(kCrlf)) text.remove_prefix(kCrlf.size());
    int minor = 1;
    if (auto refusal = parse_request_line(next_line(text), out, minor))
        return std::unexpected(*refusal);
    FieldFacts facts;
    if (auto refusal = parse_fields(text, header_count_max, out.headers, facts, 400))
        return std::unexpected(*refusal);
    auto framing = request_framing(facts, minor);
    if (!framing) return framing;
    if (auto refusal = settle_target(out)) return std::unexpected(*refusal);
    return framing;
}

std::expected<Framing, Rejection> parse_response_head(std::string_view text,
                                                      std::size_t header_count_max, ResponseTo to,
                                                      ResponseHead& out) {
    const auto refuse = [](std::string_view reason) {
        return std::unexpected(Rejection{502, reason});
    };
    out.headers.clear();
    Framing framing;
    if (auto refusal = parse_status_line(next_line(text), out.status, framing.version_minor))
        return std::unexpected(*refusal);
    FieldFacts facts;
    if (auto refusal = parse_fields(text, header_count_max, out.headers, facts, 502))
        return std::unexpected(*refusal);
    if (facts.has_coding && facts.has_length)
        return refuse("both Content-Length and Transfer-Encoding");
    if (facts.unknown_coding) return refuse("unknown transfer coding");
    framing.keep_alive = framing.version_minor >= 1 ? !facts.says_close : facts.says_keep_alive;
    framing.length = facts.length;
    // RFC 9112 6.3, in its order.
    if (to == ResponseTo::head || out.status < 200 || out.status == 204 || out.status == 304)
        framing.coding = Coding::none;
    else if (facts.chunked)
        framing.coding = Coding::chunked;
    else if (facts.has_length)
        framing.coding = facts.length > 0 ? Coding::length : Coding::none;
    else
        framing.coding = Coding::until_close;
    if (framing.coding == Coding::until_close) framing.keep_alive = false;
    return framing;
}

}  // namespace ac::net
