#include "net/stream_tls.h"

namespace ac::net {
namespace {

// Plaintext encrypted ahead of the socket. More would only be memory.
constexpr std::size_t kAheadBytesMax = 64 * 1024;

}  // namespace

Task<> Stream::flush_handshake(SteadyTime deadline) {
    while (true) {
        AC_CO_TRY(const Written written, flush_tls());
        if (written == Written::all) co_return Result<>{};
        AC_CO_CHECK(co_await wait_writable(deadline));
    }
}

Task<> Stream::start_tls(std::unique_ptr<TlsSession> session, SteadyTime deadline) {
    tls_ = std::make_unique<Tls>(std::move(session));
    while (true) {
        const auto done = tls_->session->handshake();
        // A failed handshake has an alert for the peer.
        const auto flushed = co_await flush_handshake(deadline);
        if (!done) co_return std::unexpected(done.error());
        if (!flushed) co_return flushed;
        if (*done) co_return Result<>{};
        AC_CO_TRY(const std::size_t count, co_await read_raw(tls_->input, deadline));
        if (count == 0) tls_->session->feed_end();
        const std::string_view arrived(tls_->input.data(), count);
        if (count > 0) tls_->session->feed(arrived);
    }
}

Task<std::size_t> Stream::read_tls(std::span<char> out, SteadyTime deadline) {
    while (true) {
        AC_CO_TRY(const auto plain, tls_->session->read(out));
        if (plain) co_return *plain;
        AC_CO_TRY(const std::size_t count, co_await read_raw(tls_->input, deadline));
        const std::string_view arrived(tls_->input.data(), count);
        if (count == 0)
            tls_->session->feed_end();
        else
            tls_->session->feed(arrived);
    }
}

Result<std::optional<std::size_t>> Stream::try_read_tls(std::span<char> out) {
    while (true) {
        AC_TRY(const auto plain, tls_->session->read(out));
        if (plain) return plain;
        AC_TRY(const auto count, try_read_raw(tls_->input));
        if (!count) return std::nullopt;
        if (*count == 0)
            tls_->session->feed_end();
        else
            tls_->session->feed({tls_->input.data(), *count});
    }
}

Result<Stream::Written> Stream::flush_tls() {
    while (true) {
        const std::string_view output = tls_->session->output();
        if (output.empty()) return Written::all;
        Pieces pieces;
        pieces.add(output);
        AC_TRY(const Written written, try_write_raw(pieces));
        tls_->session->consume_output(output.size() - pieces.size());
        if (written == Written::part) return written;
    }
}

Result<Stream::Written> Stream::try_write_tls(Pieces& pieces) {
    while (true) {
        while (!pieces.empty() && tls_->session->output().size() < kAheadBytesMax) {
            const auto part = pieces.front().substr(0, kAheadBytesMax);
            AC_CHECK(tls_->session->write(part));
            pieces.consume(part.size());
        }
        AC_TRY(const Written written, flush_tls());
        if (written == Written::part || pieces.empty()) return written;
    }
}

}  // namespace ac::net
