#include "wire/file_pack.h"

#include <boost/json.hpp>
#include <cstring>

#include "base/base64.h"
#include "wire/json_members.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

std::unexpected<Error> invalid(std::size_t index, std::string_view message) {
    const std::string path = "arguments.content." + std::to_string(index);
    Error error{.code = ErrorCode::invalid_argument, .message = path + ": " + std::string(message)};
    error.fields.push_back({path, std::string(message)});
    return fail(std::move(error));
}

// Bytes of `text` (of the entry `index`) at `out`, which is where it is or before it.
Result<std::size_t> unpack(std::string_view text, bool is_blob, std::size_t index, char* out) {
    if (is_blob) {
        const auto size = decode_base64(text, out);
        if (!size) return invalid(index, "blob must be a base64 string");
        return *size;
    }
    if (!is_plain_json_text(text)) return invalid(index, "text must be a string");
    std::memmove(out, text.data(), text.size());
    return text.size();
}

}  // namespace

Result<> pack_files(interpreter::ToolCall& call, const json::array& content, LiftedTexts& lifted) {
    std::string& body = lifted.body();
    std::size_t used = 0;
    for (std::size_t i = 0; i < content.size(); ++i) {
        const auto& entry = content[i].as_object();
        const auto* text = member_in(entry, "text");
        const auto* blob = member_in(entry, "blob");
        if ((text == nullptr) == (blob == nullptr))
            return invalid(i, "each file has either text or blob");
        const auto& value = (text != nullptr ? text : blob)->get_string();
        std::size_t size = value.size();
        const auto index = lifted.find({value.data(), value.size()});
        if (index) {
            AC_TRY(size, unpack(lifted.text(*index), text == nullptr, i, body.data() + used));
        } else if (lifted.count() == 0) {
            body.append(value.data(), size);
        } else {
            if (used + size > body.size()) return invalid(i, "is longer than the request");
            value.copy(body.data() + used, size);
        }
        used += size;
        call.files.push_back({.path = string_in(entry, "path"), .size = size});
    }
    body.resize(used);
    call.bytes = std::move(body);
    return {};
}

}  // namespace ac::wire
