#include "runtime/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "base/encoding.h"
#include "base/file.h"

namespace ac::runtime {
namespace {

// More than this to one is not source code (which reaches about ten), once it is not small.
constexpr std::uint64_t kRatioMax = 200;
constexpr std::uint64_t kRatioFreeBytes = 16ULL << 20;
constexpr std::size_t kNameBytesMax = 255;  // of one component: the file system's own limit

std::unexpected<Error> refused(std::string_view name, std::string_view why) {
    constexpr std::size_t kQuoted = 100;
    std::string shown;
    for (const char c : name.substr(0, kQuoted))
        shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return fail(ErrorCode::invalid_argument,
                "the archive is refused: entry '" + shown + "' " + std::string(why));
}

struct ReadFree {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ReadFree>;

constexpr std::size_t kBlockBytes = 256 * 1024;

// nullptr: not a zip.
Reader open_zip(const std::filesystem::path& file) {
    Reader reader(archive_read_new());
    AC_ASSERT(reader != nullptr);
    archive_read_support_format_zip(reader.get());
    if (archive_read_open_filename(reader.get(), file.c_str(), kBlockBytes) != ARCHIVE_OK)
        reader.reset();
    return reader;
}

class Unpacking final {
  public:
    Unpacking(std::filesystem::path target, std::uint64_t archive_bytes,
              const RuntimeLimits& limits)
        : target_(std::move(target)), archive_bytes_(archive_bytes), limits_(limits) {}

    Result<> take(archive* reader, archive_entry* entry) {
        const char* raw = archive_entry_pathname(entry);
        const std::string name = raw == nullptr ? "" : raw;
        AC_CHECK(check_kind(name, entry));
        AC_TRY(const std::string path, entry_path(name, limits_));
        if (path.empty()) return {};  // "./"
        if (++entries_ > limits_.unpacked_files_max) {
            return fail(ErrorCode::too_large, "the archive is refused: more than " +
                                                  std::to_string(limits_.unpacked_files_max) +
                                                  " entries");
        }
        if (archive_entry_filetype(entry) == AE_IFDIR) return make_folder(path);
        // Names that differ in case only are different files here, and so are harmless.
        if (!files_.insert(path).second) return refused(path, "appears twice");
        const auto slash = path.rfind('/');
        if (slash != path.npos) AC_CHECK(make_folder(path.substr(0, slash)));
        return write(reader, path, (archive_entry_perm(entry) & 0111) != 0);
    }

    Unpacked done() const { return {files_.size(), bytes_}; }

  private:
    static Result<> check_kind(const std::string& name, archive_entry* entry) {
        if (archive_entry_is_encrypted(entry) != 0) return refused(name, "is encrypted");
        if (archive_entry_hardlink(entry) != nullptr) return refused(name, "is a hard link");
        if (archive_entry_symlink(entry) != nullptr) return refused(name, "is a symbolic link");
        const auto kind = archive_entry_filetype(entry);
        if (kind != AE_IFREG && kind != AE_IFDIR)
            return refused(name, "is neither a file nor a folder");
        return {};
    }

    Result<> make_folder(const std::string& path) {
        std::string so_far;
        for (std::size_t from = 0; from <= path.size();) {
            const auto slash = std::min(path.find('/', from), path.size());
            so_far = path.substr(0, slash);
            from = slash + 1;
            if (!folders_.insert(so_far).second) continue;
            if (files_.contains(so_far)) return refused(path, "lies inside a file");
            if (::mkdir((target_ / so_far).c_str(), 0777) != 0 && errno != EEXIST)
                return fail(errno_error("cannot create a folder of the archive", errno));
            ::chmod((target_ / so_far).c_str(), 0777);
        }
        return {};
    }

    Result<> write(archive* reader, const std::string& path, bool executable) {
        if (folders_.contains(path)) return refused(path, "is a file and a folder");
        const unsigned mode = executable ? 0755 : 0644;
        const UniqueFd file(::open((target_ / path).c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (!file) return fail(errno_error("cannot write a file of the archive", errno));
        ::fchmod(file.get(), mode);
        const void* block = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        while (true) {
            const int status = archive_read_data_block(reader, &block, &size, &offset);
            if (status == ARCHIVE_EOF) return {};
            if (status < ARCHIVE_WARN) return refused(path, "cannot be read: it is damaged");
            AC_CHECK(count(size));
            AC_CHECK(write_at(file.get(), static_cast<const char*>(block), size, offset));
        }
    }

    Result<> count(std::size_t size) {
        bytes_ += size;
        if (bytes_ > limits_.unpacked_bytes_max) {
            return fail(ErrorCode::too_large, "the archive is refused: it unpacks to more than " +
                                                  std::to_string(limits_.unpacked_bytes_max >> 20) +
                                                  " MB");
        }
        if (bytes_ > kRatioFreeBytes && bytes_ / kRatioMax > archive_bytes_) {
            return fail(ErrorCode::too_large, "the archive is refused: it unpacks to more than " +
                                                  std::to_string(kRatioMax) + " times its size");
        }
        return {};
    }

    static Result<> write_at(int fd, const char* data, std::size_t size, la_int64_t offset) {
        while (size > 0) {
            const ssize_t n = ::pwrite(fd, data, size, offset);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return fail(errno_error("cannot write a file of the archive", errno));
            data += n;
            size -= static_cast<std::size_t>(n);
            offset += n;
        }
        return {};
    }

    const std::filesystem::path target_;
    const std::uint64_t archive_bytes_;
    const RuntimeLimits& limits_;
    std::set<std::string> files_;
    std::set<std::string> folders_;
    std::size_t entries_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace

Result<std::string> entry_path(std::string_view name, const RuntimeLimits& limits) {
    if (name.empty()) return refused(name, "has no name");
    if (name.front() == '/') return refused(name, "has an absolute path");
    if (name.size() > limits.path_bytes_max) return refused(name, "has too long a path");
    if (!is_valid_utf8(name)) return refused(name, "has a name that is not UTF-8");
    const auto is_bad = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
    if (std::ranges::any_of(name, is_bad))
        return refused(name, "has a character in its name that is not allowed");
    std::string path;
    std::size_t depth = 0;
    for (std::size_t from = 0; from <= name.size();) {
        const auto slash = std::min(name.find('/', from), name.size());
        const std::string_view part = name.substr(from, slash - from);
        from = slash + 1;
        if (part.empty() || part == ".") continue;
        if (part == "..") return refused(name, "climbs out of the archive");
        if (part.size() > kNameBytesMax) return refused(name, "has too long a name");
        if (++depth > limits.path_depth_max) return refused(name, "lies too deep");
        if (!path.empty()) path += '/';
        path += part;
    }
    if (path.size() >= 2 && path[1] == ':') return refused(name, "has an absolute path");
    return path;
}

std::string head_of_entry(const std::filesystem::path& archive, std::string_view path,
                          std::size_t bytes_max, const RuntimeLimits& limits) {
    const Reader reader = open_zip(archive);
    archive_entry* entry = nullptr;
    std::size_t entries = 0;
    while (reader && archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
        if (++entries > limits.unpacked_files_max) break;
        const char* const name = archive_entry_pathname(entry);
        if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
        const auto found = entry_path(name, limits);
        if (!found || *found != path) continue;
        std::string head(bytes_max, '\0');
        const la_ssize_t count = archive_read_data(reader.get(), head.data(), head.size());
        head.resize(static_cast<std::size_t>(std::max<la_ssize_t>(count, 0)));
        return head;
    }
    return {};
}

Result<Unpacked> unpack_zip(const std::filesystem::path& file, const std::filesystem::path& target,
                            const RuntimeLimits& limits) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error)
        return fail(ErrorCode::unavailable, "the artifact cannot be read: " + error.message());
    if (size > limits.archive_bytes_max) {
        return fail(
            ErrorCode::too_large,
            "the archive is larger than " + std::to_string(limits.archive_bytes_max >> 20) + " MB");
    }
    const Reader reader = open_zip(file);
    if (!reader) return fail(ErrorCode::invalid_argument, "the artifact is not a zip archive");

    Unpacking unpacking(target, size, limits);
    archive_entry* entry = nullptr;
    while (true) {
        const int status = archive_read_next_header(reader.get(), &entry);
        if (status == ARCHIVE_EOF) break;
        if (status < ARCHIVE_WARN)
            return fail(ErrorCode::invalid_argument, "the artifact is not a zip archive");
        AC_CHECK(unpacking.take(reader.get(), entry));
    }
    const Unpacked done = unpacking.done();
    if (done.files == 0) return fail(ErrorCode::invalid_argument, "the archive is empty");
    return done;
}

}  // namespace ac::runtime
