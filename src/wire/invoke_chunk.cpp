#include "wire/invoke_chunk.h"

#include "base/encoding.h"
#include "wire/event_stream.h"

namespace ac::wire {

std::string encode_chunk(std::string_view json) {
    return encode_event("chunk", "{\"bytes\":\"" + to_base64(json) + "\"}");
}

boost::json::object invocation_metrics(const models::Metadata& metadata) {
    return {{"inputTokenCount", metadata.usage.input_tokens},
            {"outputTokenCount", metadata.usage.output_tokens},
            {"invocationLatency", static_cast<std::int64_t>(metadata.latency.count())}};
}

}  // namespace ac::wire
