#include "server/body_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cerrno>

#include "crypto/hash.h"

namespace ac::server {
namespace {

using namespace asio::experimental::awaitable_operators;

constexpr std::size_t kBlockBytes = 512 * 1024;  // read, hashed and written at a time
constexpr std::size_t kFirstBlockBytes = 16 * 1024;

Result<> append(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(errno_error("cannot keep the request body", errno));
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

std::unexpected<Error> too_large(std::uint64_t max_bytes) {
    return fail(ErrorCode::too_large,
                fmt::format("the request body is larger than {} bytes", max_bytes));
}

Result<UniqueFd> nameless_file(const std::string& folder) {
    UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) return fail(errno_error("cannot keep the request body in " + folder, errno));
    return file;
}

}  // namespace

bool SpoolMemory::take(std::size_t bytes) {
    std::size_t left = left_.load();
    while (left >= bytes)
        if (left_.compare_exchange_weak(left, left - bytes)) return true;
    return false;
}

Task<std::unique_ptr<BodySpool>> BodySpool::take(net::Body& body, std::uint64_t max_bytes,
                                                 SpoolPlace place) {
    const std::optional<std::uint64_t> length = body.length();
    if (length.value_or(0) > max_bytes) co_return too_large(max_bytes);
    std::unique_ptr<BodySpool> spool(new BodySpool(place));
    if (length && *length <= kSpoolMemoryBytesMax) {
        AC_CO_CHECK(co_await spool->take_small(body));
    } else if (length && place.memory.take(*length)) {
        spool->held_ = *length;
        AC_CO_CHECK(co_await spool->take_in_memory(body, *length));
    } else {
        AC_CO_CHECK(co_await spool->take_pieces(body, max_bytes));
    }
    co_return spool;
}

Task<> BodySpool::take_small(net::Body& body) {
    AC_CO_TRY(memory_, co_await net::read_all(body, kSpoolMemoryBytesMax));
    size_ = memory_.size();
    sha256_hex_ = ac::sha256_hex(memory_);
    co_return Result<>{};
}

// Straight to where it stays, a block being hashed while the next one comes. What was promised
// takes memory only as it comes.
Task<> BodySpool::take_in_memory(net::Body& body, std::size_t size) {
    Hasher hasher;
    // libstdc++ 12 passes the room that it made, not the size that it was asked for.
    memory_.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
    std::size_t hashed = 0;
    for (bool has_ended = false; !has_ended || hashed < size_;) {
        const std::string_view bytes(memory_.data() + hashed, size_ - hashed);
        auto hash = [&hasher, bytes]() -> Result<> {
            hasher.update(bytes);
            return {};
        };
        hashed = size_;
        const std::size_t want = std::min<std::size_t>(size - size_, kBlockBytes);
        auto both = place_.pool.run(hash) && read_block(body, want);
        auto [done, read] = co_await std::move(both);
        AC_CO_CHECK(std::move(done));
        AC_CO_TRY(const std::size_t more, std::move(read));
        has_ended = more < want || want == 0;
    }
    memory_.resize(size_);
    sha256_hex_ = hasher.finish_hex();
    co_return Result<>{};
}

// Behind what is there; how much has come.
Task<std::size_t> BodySpool::read_block(net::Body& body, std::size_t want) {
    const std::span<char> room(memory_.data() + size_, want);
    std::size_t filled = 0;
    while (filled < want) {
        AC_CO_TRY(const std::size_t n, co_await body.read_some(room.subspan(filled)));
        if (n == 0) break;
        filled += n;
    }
    size_ += filled;
    co_return filled;
}

Task<> BodySpool::take_pieces(net::Body& body, std::uint64_t max_bytes) {
    Hasher hasher;
    std::string block;
    while (true) {
        const std::size_t want = size_ < kFirstBlockBytes ? kFirstBlockBytes : kBlockBytes;
        block.resize(want);
        AC_CO_TRY(const std::size_t n, co_await body.read_some(std::span(block)));
        if (n == 0) break;
        size_ += n;
        if (size_ > max_bytes) co_return too_large(max_bytes);
        AC_CO_CHECK(co_await keep(std::string_view(block).substr(0, n), hasher));
    }
    sha256_hex_ = hasher.finish_hex();
    co_return Result<>{};
}

// `bytes` and `hasher` outlive the Task.
Task<> BodySpool::keep(std::string_view bytes, Hasher& hasher) {
    if (!file_ && memory_.size() + bytes.size() <= kSpoolMemoryBytesMax) {
        hasher.update(bytes);
        memory_ += bytes;
        co_return Result<>{};
    }
    if (!file_) {
        AC_CO_TRY(file_, nameless_file(place_.folder));
        AC_CO_CHECK(append(file_.get(), memory_));
        memory_ = {};
    }
    auto work = [&hasher, bytes, fd = file_.get()]() -> Result<> {
        hasher.update(bytes);
        return append(fd, bytes);
    };
    co_return co_await place_.pool.run(work);
}

std::optional<std::string> BodySpool::take_whole() {
    if (file_ || offset_ > 0) return std::nullopt;
    offset_ = size_;
    return std::move(memory_);
}

Task<std::size_t> BodySpool::read_some(std::span<char> out) {
    const std::size_t n = std::min<std::uint64_t>(out.size(), size_ - offset_);
    if (n == 0) co_return 0;
    if (!file_) {
        std::copy_n(memory_.data() + offset_, n, out.data());
        offset_ += n;
        co_return n;
    }
    auto read = [fd = file_.get(), offset = offset_, out, n]() -> Result<std::size_t> {
        while (true) {
            const ssize_t got = ::pread(fd, out.data(), n, static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return fail(errno_error("cannot read the kept request body", errno));
            return static_cast<std::size_t>(got);
        }
    };
    AC_CO_TRY(const std::size_t got, co_await place_.pool.run(read));
    offset_ += got;
    co_return got;
}

}  // namespace ac::server
