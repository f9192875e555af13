#include "server/body_spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/hash.h"

namespace ac::server {
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;  // read, hashed and written at a time
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

Result<UniqueFd> nameless_file(const std::string& folder) {
    UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) return fail(errno_error("cannot keep the request body in " + folder, errno));
    return file;
}

}  // namespace

Task<std::unique_ptr<BodySpool>> BodySpool::take(net::Body& body, std::uint64_t max_bytes,
                                                 const std::string& folder, ThreadPool& pool) {
    const auto too_large = [max_bytes] {
        return fail(ErrorCode::too_large,
                    fmt::format("the request body is larger than {} bytes", max_bytes));
    };
    if (body.length().value_or(0) > max_bytes) co_return too_large();
    std::unique_ptr<BodySpool> spool(new BodySpool(pool));
    if (body.length() && *body.length() <= kSpoolMemoryBytesMax) {
        AC_CO_TRY(spool->memory_, co_await net::read_all(body, kSpoolMemoryBytesMax));
        spool->size_ = spool->memory_.size();
        spool->sha256_hex_ = ac::sha256_hex(spool->memory_);
        co_return spool;
    }
    Hasher hasher;
    std::string block;
    while (true) {
        const std::size_t want = spool->size_ < kFirstBlockBytes ? kFirstBlockBytes : kBlockBytes;
        block.resize(want);
        AC_CO_TRY(const std::size_t n, co_await body.read_some(std::span(block)));
        if (n == 0) break;
        spool->size_ += n;
        if (spool->size_ > max_bytes) co_return too_large();
        const std::string_view bytes = std::string_view(block).substr(0, n);
        if (!spool->file_ && spool->memory_.size() + n <= kSpoolMemoryBytesMax) {
            hasher.update(bytes);
            spool->memory_ += bytes;
            continue;
        }
        if (!spool->file_) {
            AC_CO_TRY(spool->file_, nameless_file(folder));
            AC_CO_CHECK(append(spool->file_.get(), spool->memory_));
            spool->memory_ = {};
        }
        auto keep = [&hasher, bytes, fd = spool->file_.get()]() -> Result<> {
            hasher.update(bytes);
            return append(fd, bytes);
        };
        AC_CO_CHECK(co_await pool.run(keep));
    }
    spool->sha256_hex_ = hasher.finish_hex();
    co_return spool;
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
    AC_CO_TRY(const std::size_t got, co_await pool_.run(read));
    offset_ += got;
    co_return got;
}

}  // namespace ac::server
