#include "net/duplex.h"

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <memory>

#include "net/stream_duplex.h"

namespace ac::net {
namespace {

constexpr std::size_t kRelayBytes = 32 * 1024;

// When anything last moved, in either direction.
struct Activity {
    const Clock& clock;
    const Milliseconds idle_max;
    SteadyTime last;

    void note() { last = clock.steady(); }
    SteadyTime deadline() const { return last + idle_max; }
};

// A silent side is waited for as long as the other one is busy.
Task<std::size_t> read_while_active(Duplex& from, std::span<char> out, const Activity& activity) {
    while (true) {
        const SteadyTime deadline = activity.deadline();
        auto count = co_await from.read_some(out, deadline);
        const bool is_late = !count && count.error().code == ErrorCode::deadline_exceeded;
        if (!is_late || activity.deadline() <= deadline) co_return count;
    }
}

Task<> copy(Duplex& from, Duplex& to, Activity& activity) {
    const auto buffer = std::make_unique_for_overwrite<std::array<char, kRelayBytes>>();
    while (true) {
        AC_CO_TRY(const std::size_t count, co_await read_while_active(from, *buffer, activity));
        if (count == 0) break;
        activity.note();
        const std::string_view bytes(buffer->data(), count);
        AC_CO_CHECK(co_await to.write(bytes));
    }
    to.end_writes();
    co_return Result<>{};
}

// A direction that failed takes the other with it.
Task<> copy_or_abort(Duplex& from, Duplex& to, Activity& activity) {
    auto copied = co_await copy(from, to, activity);
    if (!copied) {
        from.abort();
        to.abort();
    }
    co_return copied;
}

}  // namespace

Task<> relay(Duplex& a, Duplex& b, const Clock& clock, Milliseconds idle_max) {
    using namespace asio::experimental::awaitable_operators;
    Activity activity{clock, idle_max, clock.steady()};
    const auto [there, back] =
        co_await (copy_or_abort(a, b, activity) && copy_or_abort(b, a, activity));
    if (!there) co_return there;
    co_return back;
}

namespace {

class SocketDuplex final : public Duplex {
  public:
    SocketDuplex(Executor executor, UniqueFd connected, const Clock& clock, Milliseconds patience)
        : stream_(executor, std::move(connected), clock), duplex_(stream_, buffer_, patience) {}
    Task<std::size_t> read_some(std::span<char> out, SteadyTime deadline) override {
        return duplex_.read_some(out, deadline);
    }
    Task<> write(std::string_view bytes) override { return duplex_.write(bytes); }
    void end_writes() override { duplex_.end_writes(); }
    void abort() override { duplex_.abort(); }

  private:
    Stream stream_;
    ReadBuffer buffer_;
    StreamDuplex duplex_;
};

}  // namespace

std::unique_ptr<Duplex> make_duplex(Executor executor, UniqueFd connected, const Clock& clock,
                                    Milliseconds patience) {
    return std::make_unique<SocketDuplex>(executor, std::move(connected), clock, patience);
}

Task<std::size_t> StreamDuplex::read_some(std::span<char> out, SteadyTime deadline) {
    if (buffer_.empty()) co_return co_await stream_.read_some(out, deadline);
    const auto ahead = buffer_.text().substr(0, out.size());
    std::memcpy(out.data(), ahead.data(), ahead.size());
    buffer_.consume(ahead.size());
    co_return ahead.size();
}

Task<> StreamDuplex::write(std::string_view bytes) {
    Pieces pieces;
    pieces.add(bytes);
    // Nearly always there is room, and nothing to wait for.
    AC_CO_TRY(const auto written, stream_.try_write(pieces));
    if (written == Stream::Written::all) co_return Result<>{};
    co_return co_await stream_.write(pieces, patience_);
}

}  // namespace ac::net
