#include "net/event_stream.h"

#include <algorithm>
#include <array>

#include "net/event_frame.h"

namespace ac::net {
namespace {

constexpr std::size_t kPreludeBytes = 12;
constexpr std::size_t kTrailerBytes = 4;
// AWS's own bounds on what a reader must take.
constexpr std::size_t kHeadersBytesMax = 128 * 1024;
constexpr std::size_t kMessageBytesMax = std::size_t{24} << 20;

constexpr char kStringType = 7;

void put(std::string& out, std::uint32_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> shift & 255);
}

std::uint32_t get(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const unsigned char c : bytes) value = value << 8 | c;
    return value;
}

std::unexpected<Error> malformed(std::string what) {
    return fail(ErrorCode::invalid_argument, "event stream: " + std::move(what));
}

// Size of a header value's fixed part by its type; nullopt: no such type. Types 6 and 7 have two
// bytes of length first.
std::optional<std::size_t> fixed_size(char type) {
    static constexpr std::array<std::size_t, 10> kSizes = {0, 0, 1, 2, 4, 8, 2, 2, 8, 16};
    const auto index = static_cast<unsigned char>(type);
    return index < kSizes.size() ? std::optional(kSizes[index]) : std::nullopt;
}

// Takes one header off the front of `bytes`.
Result<std::optional<EventHeader>> take_header(std::string_view& bytes) {
    const auto take = [&](std::size_t size) -> std::optional<std::string_view> {
        if (size > bytes.size()) return std::nullopt;
        const std::string_view part = bytes.substr(0, size);
        bytes.remove_prefix(size);
        return part;
    };
    const auto name_size = take(1);
    const auto name = name_size ? take(get(*name_size)) : std::nullopt;
    if (!name || name->empty()) return malformed("header name is cut off");
    const auto type = take(1);
    const auto fixed = type ? fixed_size(type->front()) : std::nullopt;
    if (!fixed) return malformed("header type is unknown");
    const auto head = take(*fixed);
    if (!head) return malformed("header value is cut off");
    const bool sized = type->front() == 6 || type->front() == kStringType;
    const auto value = sized ? take(get(*head)) : head;
    if (!value) return malformed("header value is cut off");
    if (type->front() != kStringType) return std::optional<EventHeader>();
    return EventHeader{.name = std::string(*name), .value = std::string(*value)};
}

}  // namespace

std::string_view EventMessage::header(std::string_view name) const {
    for (const EventHeader& header : headers)
        if (header.name == name) return header.value;
    return {};
}

std::string encode_message(const EventMessage& message) {
    std::string out;
    begin_message(out, message.headers);
    out.reserve(out.size() + message.payload.size() + kTrailerBytes);
    out += message.payload;
    end_message(out);
    return out;
}

void begin_message(std::string& out, const std::vector<EventHeader>& headers) {
    AC_ASSERT(out.empty());
    out.append(kPreludeBytes, '\0');
    for (const EventHeader& header : headers) {
        AC_ASSERT(!header.name.empty() && header.name.size() < 256 && header.value.size() < 32768);
        out += static_cast<char>(header.name.size());
        out += header.name;
        out += kStringType;
        put(out, static_cast<std::uint32_t>(header.value.size()), 2);
        out += header.value;
    }
    std::string size;
    put(size, static_cast<std::uint32_t>(out.size() - kPreludeBytes), 4);
    AC_ASSERT(out.size() - kPreludeBytes <= kHeadersBytesMax);
    out.replace(4, size.size(), size);
}

void end_message(std::string& out) {
    const std::size_t total = out.size() + kTrailerBytes;
    AC_ASSERT(total <= kMessageBytesMax);
    std::string prelude;
    put(prelude, static_cast<std::uint32_t>(total), 4);
    prelude.append(out, 4, 4);
    put(prelude, crc32(prelude), 4);
    out.replace(0, kPreludeBytes, prelude);
    put(out, crc32(out), 4);
}

Result<std::optional<EventMessage>> EventDecoder::next() {
    if (offset_ > 0 && offset_ * 2 >= buffer_.size()) {
        buffer_.erase(0, offset_);
        offset_ = 0;
    }
    const std::string_view bytes = std::string_view(buffer_).substr(offset_);
    if (bytes.size() < kPreludeBytes) return std::optional<EventMessage>();
    const std::size_t total = get(bytes.substr(0, 4));
    const std::size_t headers_size = get(bytes.substr(4, 4));
    if (get(bytes.substr(8, 4)) != crc32(bytes.substr(0, 8)))
        return malformed("prelude checksum is wrong");
    if (total > kMessageBytesMax || headers_size > kHeadersBytesMax ||
        total < kPreludeBytes + headers_size + kTrailerBytes)
        return malformed("lengths are impossible");
    if (bytes.size() < total) return std::optional<EventMessage>();
    if (get(bytes.substr(total - kTrailerBytes, 4)) !=
        crc32(bytes.substr(0, total - kTrailerBytes)))
        return malformed("message checksum is wrong");
    EventMessage message;
    std::string_view headers = bytes.substr(kPreludeBytes, headers_size);
    while (!headers.empty()) {
        AC_TRY(auto header, take_header(headers));
        if (header) message.headers.push_back(*std::move(header));
    }
    message.payload = bytes.substr(kPreludeBytes + headers_size,
                                   total - kPreludeBytes - headers_size - kTrailerBytes);
    offset_ += total;
    return message;
}

}  // namespace ac::net
