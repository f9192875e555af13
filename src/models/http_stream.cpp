#include "models/http_stream.h"

#include <algorithm>

#include "models/limits.h"

namespace ac::models {
namespace {

// For the end of a body whose content is all there: the connection can then be kept.
constexpr Milliseconds kEndPatience{20};

class HttpChatStream final : public ChatStream {
  public:
    HttpChatStream(std::string provider, HttpAnswer answer, std::unique_ptr<ChatDecoder> decoder,
                   CallTimes times, const Clock& clock)
        : provider_(std::move(provider)),
          exchange_(std::move(answer.exchange)),
          decoder_(std::move(decoder)),
          times_(times),
          clock_(clock),
          buffer_(std::make_unique_for_overwrite<char[]>(kReadBytes)) {}

    // Until there is an event. `limit` is a deadline besides the others.
    Task<> fill(SteadyTime limit);
    Task<std::optional<ChatEvent>> next() override;
    bool is_ready() const override { return !queue_.empty(); }

  private:
    Task<> read_piece(SteadyTime limit);
    Task<> finish();
    Error error_of(Error error) const;

    const std::string provider_;
    std::unique_ptr<net::ClientExchange> exchange_;
    const std::unique_ptr<ChatDecoder> decoder_;
    const CallTimes times_;
    const Clock& clock_;
    const std::unique_ptr<char[]> buffer_;
    EventQueue queue_;
    std::size_t received_ = 0;
    std::optional<Error> failed_;
};

Error HttpChatStream::error_of(Error error) const {
    if (error.code == ErrorCode::deadline_exceeded)
        return {.code = error.code,
                .message = "model provider " + provider_ + " took too long with its answer"};
    return model_failed("model provider " + provider_ + " broke off its answer: " + error.message);
}

Task<> HttpChatStream::read_piece(SteadyTime limit) {
    exchange_->set_deadline(limit);
    const std::span<char> room(buffer_.get(), kReadBytes);
    const auto count = co_await exchange_->body().read_some(room);
    if (!count) {
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none)
            co_return fail(ErrorCode::cancelled, "the caller went away");
        co_return fail(error_of(count.error()));
    }
    if (*count == 0) co_return decoder_->end(queue_);
    received_ += *count;
    // The envelope of a token is some hundred bytes, its text a few.
    if (received_ > kStreamBytesMax) co_return fail(model_failed("the answer is too large"));
    co_return decoder_->feed({buffer_.get(), *count}, queue_);
}

Task<> HttpChatStream::fill(SteadyTime limit) {
    while (queue_.empty() && !queue_.is_complete()) {
        // A model that has said nothing yet may still read the prompt.
        const bool talks = queue_.blocks() > 0;
        const SteadyTime idle_end =
            talks ? clock_.steady() + times_.idle : times_.first_byte_deadline;
        Result<> read = co_await read_piece(std::min(limit, idle_end));
        if (!read) {
            failed_ = read.error();
            exchange_.reset();
            // What arrived before the failure is still told.
            if (queue_.empty()) co_return read;
        }
    }
    co_return Result<>{};
}

// So that the connection can carry another call.
Task<> HttpChatStream::finish() {
    if (!exchange_) co_return Result<>{};
    exchange_->set_deadline(clock_.steady() + kEndPatience);
    const std::span<char> room(buffer_.get(), kReadBytes);
    (void)co_await exchange_->body().read_some(room);
    exchange_.reset();
    co_return Result<>{};
}

Task<std::optional<ChatEvent>> HttpChatStream::next() {
    if (queue_.empty() && failed_) co_return fail(*failed_);
    if (queue_.empty() && !queue_.is_complete()) {
        AC_CO_CHECK(co_await fill(times_.deadline));
    }
    if (queue_.empty()) {
        AC_CO_CHECK(co_await finish());
        co_return std::optional<ChatEvent>();
    }
    co_return queue_.take();
}

}  // namespace

Task<std::unique_ptr<ChatStream>> open_http_stream(std::string provider, HttpAnswer answer,
                                                   std::unique_ptr<ChatDecoder> decoder,
                                                   CallTimes times, const Clock& clock) {
    auto stream = std::make_unique<HttpChatStream>(std::move(provider), std::move(answer),
                                                   std::move(decoder), times, clock);
    AC_CO_CHECK(co_await stream->fill(times.first_byte_deadline));
    co_return stream;
}

}  // namespace ac::models
