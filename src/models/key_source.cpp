#include "models/key_source.h"

#include <sys/stat.h>

#include <map>
#include <mutex>

#include "base/file.h"

namespace ac::models {
namespace {

constexpr Seconds kFreshFor{10};
constexpr std::size_t kKeyBytesMax = 16 * 1024;
constexpr std::string_view kFilePrefix = "file:";

Result<Secret> read_key(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return fail(errno_error(path, errno));
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return fail(ErrorCode::permission_denied,
                    path + " can be read by others than its owner: chmod 600 it");
    AC_TRY(std::string text, read_file(path, kKeyBytesMax));
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    const auto last = text.find_last_not_of(kBlanks);
    Secret secret;
    if (first != std::string::npos)
        secret = std::make_shared<const SecretBytes>(
            std::string_view(text).substr(first, last - first + 1));
    explicit_bzero(text.data(), text.size());
    if (!secret) return fail(ErrorCode::not_found, path + " is empty");
    return secret;
}

class FileKeys final : public KeySource {
  public:
    explicit FileKeys(const Clock& clock) : clock_(clock) {}

    Task<Secret> key(std::string name) override {
        if (!name.starts_with(kFilePrefix))
            co_return fail(ErrorCode::invalid_argument, "a key is named file:/path");
        const std::lock_guard lock(mutex_);
        Kept& kept = kept_[name];
        if (kept.secret && clock_.steady() - kept.read_at < kFreshFor) co_return kept.secret;
        auto secret = read_key(name.substr(kFilePrefix.size()));
        if (!secret) co_return fail(secret.error());
        kept = {.secret = *secret, .read_at = clock_.steady()};
        co_return kept.secret;
    }

  private:
    struct Kept {
        Secret secret;
        SteadyTime read_at{};
    };
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

}  // namespace

std::unique_ptr<KeySource> make_file_keys(const Clock& clock) {
    return std::make_unique<FileKeys>(clock);
}

}  // namespace ac::models
