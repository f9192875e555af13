#include "net/http2_stream.h"

#include <algorithm>
#include <cstring>

namespace ac::net {
namespace {

std::unexpected<Error> left() {
    return fail(ErrorCode::cancelled, "the client went away");
}

bool may_have_content(int status) {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

Task<> Http2Stream::respond(Response response) {
    if (started_) co_return fail(ErrorCode::internal, "the exchange was answered already");
    if (is_closed_) co_return left();
    started_ = true;
    const bool has_body = may_have_content(response.status) && head.method != "HEAD";
    if (may_have_content(response.status))
        response.headers.set("content-length", std::to_string(response.body.size()));
    AC_CO_CHECK(link_.submit_head(id_, response.status, response.headers,
                                  has_body && !response.body.empty()));
    if (has_body && !response.body.empty()) {
        const std::string_view body = response.body;
        AC_CO_CHECK(co_await write(body));
    }
    co_return co_await finish();
}

Task<> Http2Stream::start(ResponseHead answer) {
    if (started_) co_return fail(ErrorCode::internal, "the exchange was answered already");
    if (is_closed_) co_return left();
    started_ = true;
    const bool has_body = may_have_content(answer.status) && head.method != "HEAD";
    co_return link_.submit_head(id_, answer.status, answer.headers, has_body);
}

Task<> Http2Stream::write(std::string_view bytes) {
    if (is_closed_) co_return left();
    if (head.method == "HEAD" || bytes.empty()) co_return Result<>{};
    output_.append(bytes);
    moved_at_ = clock_.steady();
    link_.resume(id_);
    while (has_output() && !is_closed_) {
        const bool woken = co_await drained_.wait();
        if (!woken) co_return fail(ErrorCode::cancelled, "the write was ended");
    }
    if (has_output()) co_return left();
    co_return Result<>{};
}

Task<> Http2Stream::finish() {
    if (is_closed_ && !finished_) co_return left();
    finished_ = true;
    link_.resume(id_);
    co_return Result<>{};
}

void Http2Stream::abort() {
    if (!is_closed_) link_.reset(id_);
}

Task<> Http2Stream::wait_closed() {
    // An answer that has ended closes the stream too; that is nobody's going away.
    while (!went_away_)
        if (!co_await gone_.wait()) co_return fail(ErrorCode::cancelled, "the watch was ended");
    co_return left();
}

Task<std::size_t> Http2Stream::read_some(std::span<char> out) {
    while (unread() == 0 && !request_ended_ && !is_closed_) {
        reading_ = true;
        moved_at_ = clock_.steady();
        const bool woken = co_await arrived_.wait();
        reading_ = false;
        if (!woken) co_return fail(ErrorCode::cancelled, "the read was ended");
    }
    if (unread() == 0 && !request_ended_) co_return left();
    const std::size_t count = std::min(out.size(), unread());
    if (count == 0) co_return count;
    std::memcpy(out.data(), input_.data() + read_, count);
    read_ += count;
    if (read_ == input_.size()) {
        input_.clear();
        read_ = 0;
    }
    link_.consumed(id_, count);
    co_return count;
}

void Http2Stream::receive(std::string_view bytes) {
    input_.append(bytes);
    received_ += bytes.size();
    moved_at_ = clock_.steady();
    arrived_.notify();
}

void Http2Stream::end_of_request() {
    request_ended_ = true;
    arrived_.notify();
}

void Http2Stream::closed(bool regularly) {
    is_closed_ = true;
    went_away_ = !regularly || !finished_;
    arrived_.notify();
    drained_.notify();
    if (went_away_) gone_.notify();
}

std::size_t Http2Stream::take_output(std::span<char> out) {
    const std::size_t count = std::min(out.size(), output_.size() - sent_);
    std::memcpy(out.data(), output_.data() + sent_, count);
    sent_ += count;
    moved_at_ = clock_.steady();
    if (sent_ == output_.size()) {
        output_.clear();
        sent_ = 0;
        drained_.notify();
    }
    return count;
}

bool Http2Stream::is_stalled(SteadyTime now, Milliseconds patience) const {
    return (reading_ || has_output()) && moved_at_ + patience < now;
}

}  // namespace ac::net
