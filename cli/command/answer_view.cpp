#include "cli/command/answer_view.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "base/encoding.h"
#include "cli/command/answer.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

bool has_media_type(const net::ResponseHead& head, std::string_view type) {
    return to_lower(head.headers.get("Content-Type")).starts_with(type);
}

}  // namespace

Expected<net::Headers> parse_headers(std::string_view text) {
    net::Headers headers;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view field = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
        const auto colon = field.find(':');
        if (colon == std::string_view::npos || trim(field.substr(0, colon)).empty())
            return failed(ExitCode::usage, fmt::format("--headers: {} is not Name:value", field));
        headers.add(std::string(trim(field.substr(0, colon))),
                    std::string(trim(field.substr(colon + 1))));
    }
    return headers;
}

Expected<std::string> payload_given(const Context& context, const std::string& argument) {
    if (argument != "-") return payload_of(argument);
    const auto input = context.console().read_all(kPayloadBytesMax);
    if (!input) return failed(ExitCode::usage, "the payload is over 100 MB");
    return payload_of(*input);
}

Expected<> AnswerView::show(Reply& reply) {
    if (has_media_type(reply.head(), "text/event-stream")) return show_stream(reply);
    if (has_media_type(reply.head(), "application/json") || context_.common.json)
        return show_document(reply);
    return pass_on(reply);
}

// Text as it arrives; the final look decides the exit code.
Expected<> AnswerView::show_stream(Reply& reply) {
    Console& console = context_.console();
    StreamPrinter printer(console.out_is_terminal());
    std::vector<char> buffer(64 * 1024);
    std::string held;
    const bool at_once = terms_.at_once && !context_.common.json;
    while (true) {
        auto n = reply.read_some(buffer, terms_.timeout);
        if (!n) {
            console.out(at_once ? printer.finish() : "");
            return std::unexpected(n.error());
        }
        if (*n == 0) break;
        std::string text = printer.feed({buffer.data(), *n});
        if (at_once)
            console.out(text);
        else
            held += text;
    }
    held += printer.finish();
    if (context_.common.json)
        print_document(reply.head(), "events", printer.events());
    else
        console.out(held);
    if (!printer.error()) return {};
    Failure failure(ExitCode::agent_error, "the agent failed in its answer: " + *printer.error(),
                    terms_.log_hint);
    failure.has_document = true;
    return std::unexpected(std::move(failure));
}

Expected<> AnswerView::show_document(Reply& reply) {
    AC_TRY(const std::string body, read_all(reply, kAnswerBytesMax, terms_.timeout));
    boost::system::error_code error;
    json::value value = json::parse(body, error);
    if (error) value = json::string(body);
    if (context_.common.json) {
        print_document(reply.head(), "response", value);
        return {};
    }
    Console& console = context_.console();
    // Anything but a string goes to a pipe byte for byte.
    const bool as_sent = error || (!value.is_string() && !console.out_is_terminal());
    std::string text = as_sent ? body : shown(value, console.out_is_terminal());
    if (!text.ends_with('\n')) text += '\n';
    console.out(text);
    return {};
}

// Any other content type: bytes, unchanged.
Expected<> AnswerView::pass_on(Reply& reply) {
    std::vector<char> buffer(64 * 1024);
    while (true) {
        AC_TRY(const std::size_t n, reply.read_some(buffer, terms_.timeout));
        if (n == 0) return {};
        context_.console().out({buffer.data(), n});
    }
}

void AnswerView::print_document(const net::ResponseHead& head, std::string_view member,
                                json::value value) {
    json::object out = {{terms_.origin_member, terms_.origin},
                        {"sessionId", terms_.session},
                        {"statusCode", head.status},
                        {"contentType", head.headers.get("Content-Type")},
                        {"requestId", head.headers.get("x-amzn-RequestId")}};
    out[member] = std::move(value);
    context_.console().out(json::serialize(out) + "\n");
}

}  // namespace ac::cli
