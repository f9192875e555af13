#pragma once
// For tests: a decoder fed in pieces, its events put together.

#include "models/http_stream.h"

namespace ac::models::testing {

inline Result<ChatAnswer> decode(std::unique_ptr<ChatDecoder> decoder, std::string_view text,
                                 std::size_t piece = 4096) {
    EventQueue queue;
    AnswerCollector collector;
    const auto drain = [&]() -> Result<> {
        while (auto event = queue.take()) AC_CHECK(collector.add(*std::move(event)));
        return {};
    };
    for (std::size_t at = 0; at < text.size() && !queue.is_complete(); at += piece) {
        AC_CHECK(decoder->feed(text.substr(at, piece), queue));
        AC_CHECK(drain());
    }
    if (!queue.is_complete()) AC_CHECK(decoder->end(queue));
    AC_CHECK(drain());
    if (!collector.is_complete()) return fail(ErrorCode::internal, "no metadata");
    return collector.take();
}

}  // namespace ac::models::testing
