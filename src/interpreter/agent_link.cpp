#include "interpreter/agent_link.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "interpreter/limits.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kCallsMax = 256;
constexpr std::size_t kSendNowBytesMax = 64 * 1024;
constexpr std::size_t kDescriptorsMax = 8;

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
}

std::uint64_t call_of(const json::object& header) {
    const json::value* value = header.if_contains("call");
    if (value == nullptr || !value->is_int64()) return 0;
    return static_cast<std::uint64_t>(value->get_int64());
}

}  // namespace

AgentCall::~AgentCall() {
    link_->forget(id_);
}

Task<> AgentCall::wait() {
    Completion<void> arrived;
    {
        const std::lock_guard lock(link_->mutex_);
        if (!events_.empty() || link_->closed_) co_return Result<>{};
        waiter_ = arrived;
    }
    co_return co_await arrived.cancellable_result();
}

Result<std::optional<AgentEvent>> AgentCall::take() {
    std::optional<Completion<void>> drained;
    AgentEvent event;
    {
        const std::lock_guard lock(link_->mutex_);
        if (events_.empty()) {
            if (link_->closed_) return fail(*link_->closed_);
            return std::nullopt;
        }
        event = std::move(events_.front());
        events_.pop_front();
        queued_bytes_ -= event.body.size();
        if (queued_bytes_ <= kQueuedBytesMax / 2) drained = std::exchange(link_->drained_, {});
    }
    if (drained) drained->complete({});
    return event;
}

void AgentCall::cancel() {
    {
        const std::lock_guard lock(link_->mutex_);
        if (is_done_ || link_->closed_) return;
    }
    json::object header;
    header["op"] = "cancel";
    header["target"] = id_;
    // Its own answer is of no interest.
    (void)link_->call(std::move(header), {});
}

AgentLink::AgentLink(Executor executor, UniqueFd socket) : socket_(executor, socket.release()) {}

Result<std::shared_ptr<AgentCall>> AgentLink::call(json::object header, std::string body) {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(*closed_);
    if (calls_.size() >= kCallsMax)
        return fail(ErrorCode::quota_exceeded, "too many calls are under way in this session");
    auto made = std::make_shared<AgentCall>(shared_from_this(), next_id_++);
    header["call"] = made->id_;
    calls_.emplace(made->id_, made);
    std::string head = encode_head(header, body.size());
    for (std::string* part : {&head, &body}) {
        if (part->empty() || (outgoing_.empty() && !writing_ && send_now(*part))) continue;
        outgoing_.push_back(std::move(*part));
    }
    if (!outgoing_.empty() && writer_) std::exchange(writer_, {})->complete({});
    return made;
}

Result<std::shared_ptr<AgentCall>> AgentLink::call_with(json::object header,
                                                        std::span<const int> descriptors) {
    auto made = std::make_shared<AgentCall>(shared_from_this(), 0);  // its destructor locks too
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(*closed_);
    if (calls_.size() >= kCallsMax)
        return fail(ErrorCode::quota_exceeded, "too many calls are under way in this session");
    made->id_ = next_id_++;
    header["call"] = made->id_;
    const std::string frame = encode_head(header, 0);
    if (!outgoing_.empty() || writing_ || !send_with(frame, descriptors))
        return fail(ErrorCode::unavailable, "the session's agent is busy; try again");
    calls_.emplace(made->id_, made);
    return made;
}

// All or nothing: a short frame fits into a socket that has room at all.
bool AgentLink::send_with(const std::string& frame, std::span<const int> descriptors) {
    AC_ASSERT(descriptors.size() <= kDescriptorsMax);
    iovec part{const_cast<char*>(frame.data()), frame.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsMax * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(item), descriptors.data(), descriptors.size_bytes());
    return ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(frame.size());
}

// True: all of it has left. What has left is cut off `bytes`, so only short ones are tried.
bool AgentLink::send_now(std::string& bytes) {
    if (bytes.size() > kSendNowBytesMax) return false;
    const auto sent =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) bytes.erase(0, static_cast<std::size_t>(sent));
    return bytes.empty();
}

Task<> AgentLink::write() {
    while (true) {
        std::string bytes;
        Completion<void> wanted;
        {
            const std::lock_guard lock(mutex_);
            if (closed_) co_return fail(*closed_);
            writing_ = !outgoing_.empty();
            if (writing_) {
                bytes = std::move(outgoing_.front());
                outgoing_.pop_front();
            } else {
                writer_ = wanted;
            }
        }
        if (bytes.empty()) {
            AC_CO_CHECK(co_await wanted.cancellable_result());
            continue;
        }
        boost::system::error_code error;
        auto token = asio::redirect_error(use_task, error);
        const auto buffer = asio::buffer(bytes);
        co_await asio::async_write(socket_, buffer, token);
        if (error) co_return fail(ErrorCode::unavailable, "the session's agent does not read");
    }
}

Task<> AgentLink::read() {
    FrameDecoder decoder;
    const auto buffer = std::make_unique<std::array<char, kReadBytes>>();
    while (true) {
        boost::system::error_code error;
        auto token = asio::redirect_error(use_task, error);
        const std::span<char> room = decoder.room();
        const auto into = room.empty() ? asio::buffer(buffer->data(), buffer->size())
                                       : asio::buffer(room.data(), room.size());
        const std::size_t size = co_await socket_.async_read_some(into, token);
        if (error) co_return fail(ErrorCode::guest_failed, "the session's agent has ended");
        if (room.empty())
            decoder.feed({buffer->data(), size});
        else
            decoder.commit(size);
        while (true) {
            AC_CO_TRY(auto frame, decoder.next());
            if (!frame) break;
            const auto full = deliver(*std::move(frame));
            if (full) {
                AC_CO_CHECK(co_await wait_drained(full));
            }
        }
    }
}

// A caller that does not read makes the whole agent wait, not the daemon's memory grow.
Task<> AgentLink::wait_drained(const std::shared_ptr<AgentCall>& call) {
    Completion<void> drained;
    {
        const std::lock_guard lock(mutex_);
        if (call->queued_bytes_ <= kQueuedBytesMax) co_return Result<>{};
        drained_ = drained;
    }
    co_return co_await drained.cancellable_result();
}

// The call that has got more than it may hold; usually none.
std::shared_ptr<AgentCall> AgentLink::deliver(Frame frame) {
    AgentEvent event{.kind = text_in(frame.header, "event"),
                     .header = std::move(frame.header),
                     .body = std::move(frame.body)};
    if (event.kind == "ready") {
        ready_.complete(text_in(event.header, "python"));
        return nullptr;
    }
    std::optional<Completion<void>> waiter;
    std::shared_ptr<AgentCall> call;
    bool is_full = false;
    {
        const std::lock_guard lock(mutex_);
        const auto found = calls_.find(call_of(event.header));
        if (found != calls_.end()) call = found->second.lock();
        if (!call || call->is_done_) return nullptr;
        call->is_done_ = event.is_last();
        call->queued_bytes_ += event.body.size();
        is_full = call->queued_bytes_ > kQueuedBytesMax && !call->is_done_;
        call->events_.push_back(std::move(event));
        waiter = std::exchange(call->waiter_, {});
    }
    if (waiter) waiter->complete({});
    return is_full ? call : nullptr;
}

void AgentLink::forget(std::uint64_t id) {
    std::optional<Completion<void>> drained;
    {
        const std::lock_guard lock(mutex_);
        calls_.erase(id);
        drained = std::exchange(drained_, {});
    }
    if (drained) drained->complete({});
}

void AgentLink::close(Error why) {
    std::vector<Completion<void>> waiting;
    std::vector<std::shared_ptr<AgentCall>> calls;  // their destructors take the mutex
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        closed_ = why;
        for (const auto& [id, held] : calls_)
            if (auto call = held.lock()) calls.push_back(std::move(call));
        for (const auto& call : calls)
            if (call->waiter_) waiting.push_back(*std::exchange(call->waiter_, {}));
        if (writer_) waiting.push_back(*std::exchange(writer_, {}));
        if (drained_) waiting.push_back(*std::exchange(drained_, {}));
    }
    ready_.complete(fail(std::move(why)));
    for (const auto& waiter : waiting) waiter.complete({});
}

}  // namespace ac::interpreter
