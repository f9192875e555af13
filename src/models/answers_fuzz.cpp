// What providers answer, as any bytes in any pieces: events in the promised order or an error.

#include <cstdlib>

#include "models/anthropic_decoder.h"
#include "models/converse_decoder.h"
#include "models/openai_decoder.h"

namespace {

using namespace ac::models;

std::unique_ptr<ChatDecoder> decoder_of(unsigned kind) {
    switch (kind % 4) {
        case 0:
            return make_openai_stream_decoder("p");
        case 1:
            return make_openai_whole_decoder("p");
        case 2:
            return make_anthropic_decoder("p");
        default:
            return make_converse_decoder("p");
    }
}

}  // namespace

// The first byte chooses the decoder, the second the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2) return 0;
    const auto decoder = decoder_of(data[0]);
    const std::size_t piece = 1 + data[1];
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    EventQueue queue;
    AnswerCollector collector;
    // Only a tool's input may be refused here: the order of events is ours.
    const auto drain = [&] {
        while (auto event = queue.take()) {
            const auto added = collector.add(*std::move(event));
            if (added) continue;
            if (added.error().message.find("is not JSON") == std::string::npos) std::abort();
            return false;
        }
        return true;
    };
    for (std::size_t at = 0; at < text.size() && !queue.is_complete(); at += piece) {
        const bool fed = decoder->feed(text.substr(at, piece), queue).has_value();
        if (!drain() || !fed) return 0;
    }
    if (!queue.is_complete() && !decoder->end(queue)) return 0;
    if (!drain()) return 0;
    if (!collector.is_complete()) std::abort();
    return 0;
}
