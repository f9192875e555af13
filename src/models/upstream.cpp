#include "models/upstream.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "base/storable_text.h"
#include "models/chat.h"
#include "models/limits.h"

namespace ac::models {
namespace {

std::string without_slash(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    return path;
}

class OutboundUpstream final : public Upstream {
  public:
    OutboundUpstream(net::Outbound& outbound, net::Url base)
        : outbound_(outbound),
          base_(std::move(base)),
          authority_(base_.authority()),
          base_path_(without_slash(base_.target)) {}

    Task<std::unique_ptr<net::ClientExchange>> open(SteadyTime deadline) override {
        return outbound_.open(base_, deadline);
    }
    const std::string& authority() const override { return authority_; }
    const std::string& base_path() const override { return base_path_; }

  private:
    net::Outbound& outbound_;
    const net::Url base_;
    const std::string authority_;
    const std::string base_path_;
};

class ConnectorUpstream final : public Upstream {
  public:
    ConnectorUpstream(net::Connector& connector, Timer& timer, std::string base_path)
        : pool_(net::make_client_pool(connector, timer)),
          base_path_(without_slash(std::move(base_path))) {}

    Task<std::unique_ptr<net::ClientExchange>> open(SteadyTime deadline) override {
        return pool_->open(deadline);
    }
    const std::string& authority() const override { return authority_; }
    const std::string& base_path() const override { return base_path_; }

  private:
    const std::unique_ptr<net::ClientPool> pool_;
    const std::string authority_ = "localhost";
    const std::string base_path_;
};

std::string text_in(const json::value& value, std::string_view name) {
    const auto* object = value.if_object();
    const auto* found = object != nullptr ? object->if_contains(name) : nullptr;
    if (found == nullptr || !found->is_string()) return {};
    return std::string(found->get_string());
}

// What an error's body says, and the kind that it names.
struct Said {
    std::string message;
    std::string kind;
};

Said said_in(std::string_view body) {
    boost::system::error_code error;
    const json::value value = json::parse(body, error, {}, {.max_depth = kJsonDepthMax});
    if (error) return {.message = to_storable_text(trim(body)), .kind = {}};
    const auto* object = value.if_object();
    const auto* inner = object != nullptr ? object->if_contains("error") : nullptr;
    const json::value& where = inner != nullptr && inner->is_object() ? *inner : value;
    Said said{.message = text_in(where, "message"), .kind = text_in(where, "code")};
    if (said.kind.empty()) said.kind = text_in(where, "type");
    if (said.message.empty()) said.message = text_in(value, "error");
    if (said.message.empty()) said.message = text_in(value, "detail");
    if (said.message.empty()) said.message = text_in(value, "Message");
    if (said.message.empty()) said.message = to_storable_text(trim(body));
    return said;
}

ErrorCode code_of_status(int status) {
    switch (status) {
        case 400:
        case 413:
        case 415:
        case 422:
            return ErrorCode::invalid_argument;
        case 401:
        case 402:
        case 403:
            return ErrorCode::permission_denied;
        case 404:
            return ErrorCode::not_found;
        case 408:
        case 504:
            return ErrorCode::deadline_exceeded;
        case 429:
            return ErrorCode::throttled;
        default:
            return status >= 500 ? ErrorCode::unavailable : ErrorCode::guest_failed;
    }
}

// Clients look for these words to learn that they must shorten the conversation.
bool is_too_long(const Said& said) {
    return said.kind == "context_length_exceeded" || said.kind == "exceed_context_size_error" ||
           said.message.find("maximum context length") != std::string::npos ||
           said.message.find("exceeds the available context size") != std::string::npos;
}

Task<net::ResponseHead> send(net::ClientExchange& exchange, const net::RequestHead& head,
                             const std::string& body, SteadyTime deadline) {
    exchange.set_deadline(deadline);
    AC_CO_CHECK(co_await exchange.send_head(head, body.size()));
    AC_CO_CHECK(co_await exchange.write_body(body));
    AC_CO_CHECK(co_await exchange.finish_request());
    co_return co_await exchange.read_head(deadline);
}

Task<std::string> read_error_body(net::Body& body) {
    std::string text(kErrorBodyBytesMax, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const std::span<char> room(text.data() + size, text.size() - size);
        const auto count = co_await body.read_some(room);
        if (!count || *count == 0) break;
        size += *count;
    }
    text.resize(size);
    co_return text;
}

}  // namespace

std::unique_ptr<Upstream> make_outbound_upstream(net::Outbound& outbound, net::Url base) {
    return std::make_unique<OutboundUpstream>(outbound, std::move(base));
}

std::unique_ptr<Upstream> make_connector_upstream(net::Connector& connector, Timer& timer,
                                                  std::string base_path) {
    return std::make_unique<ConnectorUpstream>(connector, timer, std::move(base_path));
}

CallTimes times_of(const ProviderLimits& limits, const Clock& clock, SteadyTime deadline) {
    const SteadyTime first = clock.steady() + limits.first_byte_timeout;
    return {.deadline = deadline,
            .first_byte_deadline = std::min(first, deadline),
            .idle = limits.idle_timeout};
}

Error error_of_connection(const std::string& provider, Error error) {
    const std::string message = "model provider " + provider + ": " + error.message;
    switch (error.code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return model_failed(message);
        case ErrorCode::cancelled:
            return {.code = ErrorCode::unavailable, .message = message};
        default:
            error.message = message;
            return error;
    }
}

Error error_of_status(const std::string& provider, int status, std::string_view body) {
    const Said said = said_in(body);
    std::string message = "model provider " + provider + " answered " + std::to_string(status);
    // Servers that do not take a key quote it, whole or in part; and it is the operator's, not the
    // caller's.
    if (status == 401)
        message += ": it does not take the key that is configured for it";
    else if (!said.message.empty())
        message += ": " + said.message;
    if (is_too_long(said)) {
        return {.code = ErrorCode::invalid_argument,
                .message = "Input is too long for requested model. " + message};
    }
    const ErrorCode code = code_of_status(status);
    if (code == ErrorCode::guest_failed) return model_failed(std::move(message));
    // 529 is Anthropic's "overloaded".
    if (status == 529) return {.code = ErrorCode::throttled, .message = std::move(message)};
    return {.code = code, .message = std::move(message)};
}

Task<HttpAnswer> ask(Upstream& upstream, const std::string& provider, HttpAsk ask,
                     CallTimes times) {
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    net::RequestHead head{.method = "POST", .target = upstream.base_path() + ask.path};
    head.headers.add("Host", upstream.authority());
    head.headers.add("Content-Type", "application/json");
    head.headers.add("User-Agent", "agentcored");
    for (const net::Header& header : ask.headers) head.headers.add(header.name, header.value);
    if (ask.finish_head) ask.finish_head(head, ask.body);
    while (true) {
        auto exchange = co_await upstream.open(times.first_byte_deadline);
        if (!exchange) co_return fail(error_of_connection(provider, std::move(exchange).error()));
        auto answered = co_await send(**exchange, head, ask.body, times.first_byte_deadline);
        if (cancellation.cancelled() != asio::cancellation_type::none)
            co_return fail(ErrorCode::cancelled, "the caller went away");
        if (!answered && (*exchange)->may_retry() && answered.error().code == ErrorCode::cancelled)
            continue;
        if (!answered) co_return fail(error_of_connection(provider, std::move(answered).error()));
        HttpAnswer answer{.exchange = *std::move(exchange), .head = *std::move(answered)};
        if (answer.head.status >= 200 && answer.head.status < 300) co_return answer;
        const auto body = co_await read_error_body(answer.exchange->body());
        co_return fail(error_of_status(provider, answer.head.status, body.value_or("")));
    }
}

Task<json::value> read_json(HttpAnswer& answer, const std::string& provider,
                            std::size_t bytes_max) {
    auto text = co_await net::read_all(answer.exchange->body(), bytes_max);
    if (!text) {
        Error error = error_of_connection(provider, std::move(text).error());
        // It had begun to answer.
        if (error.code == ErrorCode::unavailable) error = model_failed(std::move(error.message));
        co_return fail(std::move(error));
    }
    boost::system::error_code error;
    json::value value = json::parse(*text, error, {}, {.max_depth = kJsonDepthMax});
    if (error) co_return fail(model_failed("model provider " + provider + " answered no JSON"));
    co_return value;
}

}  // namespace ac::models
