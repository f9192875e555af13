#include "wire/chat_streaming.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace ac::wire {
namespace {

// What is sent in one piece when a model writes faster than the caller reads.
constexpr std::size_t kBatchBytesMax = 32 * 1024;

// Appends everything that has arrived already; ends with whether the answer goes on.
Task<bool> next_piece(models::ChatStream& stream, ChatEncoder& encoder, std::string& piece) {
    bool more = true;
    while (more && (piece.empty() || (piece.size() < kBatchBytesMax && stream.is_ready()))) {
        AC_CO_TRY(const auto event, co_await stream.next());
        more = event.has_value();
        piece += more ? encoder.encode(*event) : encoder.end();
    }
    co_return more;
}

net::ResponseHead head_of(const ChatEncoder& encoder) {
    net::ResponseHead head;
    head.headers.add("Content-Type", std::string(encoder.content_type()));
    head.headers.add("Cache-Control", "no-cache");
    encoder.add_headers(head.headers);
    return head;
}

Task<> pass_on(models::ModelService& models, models::ChatRequest request, models::Caller caller,
               ChatEncoder& encoder, net::Exchange& exchange) {
    AC_CO_TRY(const auto stream, co_await models.start(std::move(request), std::move(caller)));
    Result<bool> more = true;
    while (more && *more) {
        std::string piece;
        more = co_await next_piece(*stream, encoder, piece);
        if (!more &&
            (more.error().code == ErrorCode::cancelled || (piece.empty() && !exchange.started())))
            co_return fail(std::move(more).error());
        if (!more) piece += encoder.error(more.error());
        if (!exchange.started()) {
            auto head = head_of(encoder);
            AC_CO_CHECK(co_await exchange.start(std::move(head)));
        }
        if (!piece.empty()) {
            AC_CO_CHECK(co_await exchange.write(piece));
        }
    }
    co_return co_await exchange.finish();
}

}  // namespace

Task<> stream_chat(models::ModelService& models, models::ChatRequest request, models::Caller caller,
                   ChatEncoder& encoder, net::Exchange& exchange) {
    using namespace asio::experimental::awaitable_operators;
    auto ended =
        co_await (pass_on(models, std::move(request), std::move(caller), encoder, exchange) ||
                  exchange.wait_closed());
    if (ended.index() == 0) co_return std::get<0>(std::move(ended));
    co_return fail(ErrorCode::cancelled, "the caller has gone");
}

Task<models::ChatAnswer> await_chat(models::ModelService& models, models::ChatRequest request,
                                    models::Caller caller, net::Exchange& exchange) {
    using namespace asio::experimental::awaitable_operators;
    auto ended = co_await (models::answer(models, std::move(request), std::move(caller)) ||
                           exchange.wait_closed());
    if (ended.index() == 0) co_return std::get<0>(std::move(ended));
    co_return fail(ErrorCode::cancelled, "the caller has gone");
}

}  // namespace ac::wire
