#pragma once
// UniqueFd owns a file descriptor. The free functions are small whole-file reads and writes for
// configuration and tools; request paths never block on them.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace ac {

class UniqueFd final {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~UniqueFd() { reset(); }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// not_found, permission_denied, too_large (over `max_bytes`), unavailable.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);
// Atomic and durable: temporary file beside it, fsync, rename, fsync of the folder.
Result<> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode = 0600);

// "No space left on device (28)": an Error for errno, code unavailable unless errno says better.
Error errno_error(std::string_view what, int error_number);

}  // namespace ac
