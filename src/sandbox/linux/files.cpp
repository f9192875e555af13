#include "sandbox/linux/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace ac::sandbox {

Result<> write_at(int folder, const std::string& name, std::string_view text) {
    const UniqueFd fd(::openat(folder, name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return fail(errno_error("open " + name, errno));
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return fail(errno_error("write " + name, errno));
    return {};
}

Result<> write_once(const std::string& path, std::string_view text) {
    return write_at(AT_FDCWD, path, text);
}

std::string read_at(int folder, const std::string& name) {
    const UniqueFd fd(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC));
    std::string out;
    char buffer[16384];
    while (fd) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
}

std::string read_all(const std::string& path) {
    return read_at(AT_FDCWD, path);
}

}  // namespace ac::sandbox
