#include "wire/event_stream.h"

#include <algorithm>

#include "wire/error_map.h"

namespace ac::wire {
namespace {

std::string lower_first(std::string_view name) {
    std::string out(name);
    if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
    return out;
}

// The streams of an operation declare fewer exceptions than the operation: what is not among them
// becomes the stream's error of a model, or its internal error.
std::string exception_member(std::string_view exception, const OperationSpec* operation) {
    std::string name = lower_first(exception);
    if (operation == nullptr || operation->output == nullptr) return name;
    const auto stream = std::ranges::find_if(operation->output->members, [](const Member& member) {
        return member.shape->kind == Kind::event_stream;
    });
    if (stream == operation->output->members.end()) return name;
    const auto declares = [&](std::string_view member) {
        return std::ranges::find(stream->shape->members, member, &Member::name) !=
               stream->shape->members.end();
    };
    if (declares(name)) return name;
    constexpr std::string_view kModelError = "modelStreamErrorException";
    if (name.starts_with("model") && declares(kModelError)) return std::string(kModelError);
    return "internalServerException";
}

}  // namespace

std::string encode_event(std::string_view event_type, std::string json) {
    const EventMessage message{.headers = {{":message-type", "event"},
                                           {":event-type", std::string(event_type)},
                                           {":content-type", "application/json"}},
                               .payload = std::move(json)};
    return encode_message(message);
}

std::string encode_stream_error(const Error& error, const OperationSpec* operation) {
    const MappedError mapped = map_error(error, operation);
    const EventMessage message{
        .headers = {{":message-type", "exception"},
                    {":exception-type", exception_member(mapped.exception, operation)},
                    {":content-type", "application/json"}},
        .payload = error_body(error, mapped)};
    return encode_message(message);
}

}  // namespace ac::wire
