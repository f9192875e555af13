#include "wire/file_events.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/base64.h"
#include "base/encoding.h"
#include "base/storable_text.h"
#include "net/event_frame.h"
#include "wire/json_members.h"
#include "wire/tool_text.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kBlockBytesMax = 2048;  // of a block beside its text, whatever its name
constexpr std::size_t kNameBytesMax = 512;

bool is_text(std::string_view bytes) {
    return bytes.find('\0') == std::string_view::npos && is_valid_utf8(bytes);
}

// As JSON writes it, without its quotes.
std::size_t escaped_size(std::string_view text) {
    std::size_t short_ones = 0;
    std::size_t long_ones = 0;
    for (const char c : text) {
        const bool is_short = c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v');
        short_ones += is_short ? 1 : 0;
        long_ones += static_cast<unsigned char>(c) < 0x20 && !is_short ? 1 : 0;
    }
    return text.size() + short_ones + 5 * long_ones;
}

std::size_t encoded_size(std::string_view bytes, bool is_text) {
    return is_text ? escaped_size(bytes) : (bytes.size() + 2) / 3 * 4;
}

}  // namespace

Result<FileEvents> FileEvents::open(const json::object& header, std::string body, Pieces pieces) {
    FileEvents events;
    events.body_ = std::move(body);
    std::size_t offset = 0;
    const auto* files = array_in(header, "files");
    for (const auto& item : files == nullptr ? json::array() : *files) {
        const auto* entry = item.if_object();
        if (entry == nullptr) continue;
        const auto size =
            static_cast<std::size_t>(std::max<std::int64_t>(0, integer_in(*entry, "size")));
        if (offset > events.body_.size() || size > events.body_.size() - offset) break;
        const std::string_view bytes = std::string_view(events.body_).substr(offset, size);
        File file{.uri = "file://" + readable(string_in(*entry, "path").substr(0, kNameBytesMax)),
                  .media_type = readable(string_in(*entry, "mimeType").substr(0, kNameBytesMax)),
                  .offset = offset,
                  .size = size,
                  .is_text = is_text(bytes)};
        file.encoded = encoded_size(bytes, file.is_text);
        if (pieces == Pieces::refused && file.encoded > kWholeFileBytesMax)
            return fail(ErrorCode::too_large,
                        file.uri.substr(7) +
                            " is larger than one event can carry (25 MB of JSON, 18 MB of binary "
                            "file), and this client takes the first event for the whole file: read "
                            "it with boto3 or another AWS SDK, or split it in the session");
        offset += size;
        events.files_.push_back(std::move(file));
    }
    return events;
}

void FileEvents::next(std::string& out) {
    out.clear();
    if (has_ended_) return;
    net::begin_message(out, {{":message-type", "event"},
                             {":event-type", "result"},
                             {":content-type", "application/json"}});
    const std::size_t start = out.size();
    out += R"({"content":[)";
    bool is_empty = true;
    while (at_ < files_.size()) {
        const std::size_t used = out.size() - start + kBlockBytesMax;
        const std::size_t room = used < kPieceBytesMax ? kPieceBytesMax - used : 0;
        const std::string_view piece = piece_for(room, is_empty);
        const File& file = files_[at_];
        if (piece.empty() && file.size > 0) break;
        if (!is_empty) out += ',';
        is_empty = false;
        add_block(out, piece);
        offset_ += piece.size();
        if (offset_ < file.size) break;
        ++at_;
        offset_ = 0;
    }
    has_ended_ = at_ == files_.size();
    out += has_ended_ ? R"(],"isError":false})"
                      : R"(],"structuredContent":{"taskStatus":"working"},"isError":false})";
    net::end_message(out);
}

// What of the file at hand goes into an event that has `room`; "": nothing, it begins the next one.
std::string_view FileEvents::piece_for(std::size_t room, bool is_empty) const {
    const File& file = files_[at_];
    const std::string_view rest =
        std::string_view(body_).substr(file.offset + offset_, file.size - offset_);
    const bool fits = offset_ == 0 && file.encoded <= (is_empty ? kWholeFileBytesMax : room);
    if (fits) return rest;
    if (!is_empty) return {};
    if (!file.is_text) return rest.substr(0, room / 4 * 3);
    std::string_view piece = rest.substr(0, room);
    while (escaped_size(piece) > room) piece = piece.substr(0, piece.size() / 8 * 7);
    return piece.substr(0, piece.size() == rest.size() ? piece.size() : whole_characters(piece));
}

void FileEvents::add_block(std::string& out, std::string_view piece) {
    const File& file = files_[at_];
    json::object resource;
    resource["type"] = file.is_text ? "text" : "blob";
    resource["uri"] = file.uri;
    resource["mimeType"] = file.media_type;
    out += R"({"type":"resource",)";
    if (piece.size() < file.size) {
        const std::string range = "bytes " + std::to_string(offset_) + "-" +
                                  std::to_string(offset_ + piece.size() - 1) + " of " +
                                  std::to_string(file.size);
        out += R"("description":")" + range + R"(","size":)" + std::to_string(file.size) + ',';
    }
    std::string head = json::serialize(resource);
    head.pop_back();
    out += R"("resource":)" + head + (file.is_text ? R"(,"text":)" : R"(,"blob":")");
    if (file.is_text) {
        out += json::serialize(json::string_view(piece.data(), piece.size()));
    } else {
        append_base64(out, piece);
        out += '"';
    }
    out += "}}";
}

}  // namespace ac::wire
