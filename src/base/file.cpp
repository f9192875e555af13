#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace ac {
namespace {

Result<> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(errno_error("write", errno));
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

}  // namespace

void UniqueFd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Error errno_error(std::string_view what, int error_number) {
    ErrorCode code = ErrorCode::unavailable;
    if (error_number == ENOENT) code = ErrorCode::not_found;
    if (error_number == EACCES || error_number == EPERM) code = ErrorCode::permission_denied;
    if (error_number == EEXIST) code = ErrorCode::conflict;
    return {.code = code,
            .message = fmt::format("{}: {} ({})", what,
                                   std::generic_category().message(error_number), error_number)};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(errno_error("open " + path.string(), errno));
    std::string out;
    char buffer[65536];
    while (true) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(errno_error("read " + path.string(), errno));
        if (n == 0) return out;
        out.append(buffer, static_cast<std::size_t>(n));
        if (out.size() > max_bytes)
            return fail(ErrorCode::too_large,
                        fmt::format("{} is larger than {} bytes", path.string(), max_bytes));
    }
}

Result<> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode) {
    const auto temporary = path.string() + fmt::format(".{}.tmp", ::getpid());
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!fd) return fail(errno_error("create " + temporary, errno));
    auto written = write_all(fd.get(), text);
    if (written && ::fsync(fd.get()) != 0) written = fail(errno_error("fsync " + temporary, errno));
    fd.reset();
    if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
        written = fail(errno_error("rename " + temporary, errno));
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    const UniqueFd folder(::open(path.parent_path().empty() ? "." : path.parent_path().c_str(),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0)
        return fail(errno_error("fsync folder of " + path.string(), errno));
    return {};
}

}  // namespace ac
