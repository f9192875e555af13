#include "oci/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <unordered_set>

#include "crypto/hash.h"
#include "oci/tree.h"

namespace ac::oci {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::size_t kBlockBytes = 256 * 1024;

std::unexpected<Error> damaged(archive* reader) {
    const char* why = archive_error_string(reader);
    return fail(ErrorCode::invalid_argument, std::string("a layer of the image cannot be read: ") +
                                                 (why == nullptr ? "it is damaged" : why));
}

struct FreeReader {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeReader>;

// The layer without its compression, hashed and counted on its way into the tar reader.
class Plain final {
  public:
    static Result<std::unique_ptr<Plain>> open(const UniqueFd& layer, std::uint64_t bytes_max) {
        auto plain = std::make_unique<Plain>();
        plain->bytes_max_ = bytes_max;
        plain->reader_.reset(archive_read_new());
        archive* const reader = plain->reader_.get();
        archive_read_support_filter_gzip(reader);
        archive_read_support_filter_zstd(reader);
        archive_read_support_format_raw(reader);
        archive_read_support_format_empty(reader);
        archive_entry* entry = nullptr;
        if (::lseek(layer.get(), 0, SEEK_SET) != 0 ||
            archive_read_open_fd(reader, layer.get(), kBlockBytes) != ARCHIVE_OK)
            return damaged(reader);
        const int status = archive_read_next_header(reader, &entry);
        if (status == ARCHIVE_EOF) plain->ended_ = true;
        if (status != ARCHIVE_OK && status != ARCHIVE_EOF) return damaged(reader);
        return plain;
    }

    // 0 at the end; -1 when it cannot be read or is too large.
    la_ssize_t read(const void** out) {
        *out = block_.data();
        if (ended_) return 0;
        const la_ssize_t count = archive_read_data(reader_.get(), block_.data(), block_.size());
        if (count < 0) return -1;
        if (count == 0) ended_ = true;
        bytes_ += static_cast<std::uint64_t>(count);
        if (bytes_ > bytes_max_) {
            too_large_ = true;
            return -1;
        }
        hasher_.update({block_.data(), static_cast<std::size_t>(count)});
        return count;
    }

    bool is_too_large() const { return too_large_; }
    archive* reader() const { return reader_.get(); }

    // Reads what the tar reader left, so that all of it counts.
    Result<std::string> digest() {
        const void* block = nullptr;
        la_ssize_t count = 0;
        while ((count = read(&block)) > 0) {
        }
        if (count < 0) return damaged(reader_.get());
        return "sha256:" + hasher_.finish_hex();
    }

  private:
    Reader reader_;
    Hasher hasher_;
    std::string block_ = std::string(kBlockBytes, '\0');
    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_max_ = 0;
    bool ended_ = false;
    bool too_large_ = false;
};

class Applying final {
  public:
    Applying(Tree tree, const UnpackLimits& limits, Unpacked& so_far)
        : tree_(std::move(tree)), limits_(limits), so_far_(so_far) {}

    Result<> take(archive* reader, archive_entry* entry) {
        const char* raw = archive_entry_pathname(entry);
        AC_TRY(const std::string path, normal_path(raw == nullptr ? "" : raw));
        if (++so_far_.files > limits_.files_max)
            return fail(ErrorCode::too_large, "the image is refused: more than " +
                                                  std::to_string(limits_.files_max) + " files");
        const std::string name = path.substr(path.rfind('/') + 1);
        const std::string folder =
            path.substr(0, path.size() - std::min(path.size(), name.size() + 1));
        if (name == kOpaque) return tree_.clear(folder, written_);
        if (name.starts_with(kWhiteout)) {
            const std::string gone = name.substr(kWhiteout.size());
            if (gone.empty() || gone == "." || gone == "..")
                return fail(ErrorCode::invalid_argument,
                            "a layer of the image is refused: a whiteout without a name");
            return tree_.remove(folder.empty() ? gone : folder + "/" + gone);
        }
        remember(path);
        if (const char* target = archive_entry_hardlink(entry)) {
            AC_TRY(const std::string existing, normal_path(target));
            return tree_.make_hard_link(path, existing);
        }
        switch (archive_entry_filetype(entry)) {
            case AE_IFDIR:
                return tree_.make_folder(path);
            case AE_IFLNK: {
                const char* target = archive_entry_symlink(entry);
                return tree_.make_link(path, target == nullptr ? "" : target);
            }
            case AE_IFREG:
                return write(reader, entry, path);
            default:
                ++so_far_.left_out;
                return {};
        }
    }

  private:
    // With the folders above, which an opaque whiteout must not take either.
    void remember(const std::string& path) {
        for (std::size_t end = path.size(); end != path.npos && end > 0;
             end = path.rfind('/', end - 1))
            if (!written_.insert(path.substr(0, end)).second) return;
    }

    Result<> write(archive* reader, archive_entry* entry, const std::string& path) {
        const auto size =
            static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)));
        // A sparse file counts whole.
        if (size > limits_.bytes_max || (so_far_.bytes += size) > limits_.bytes_max)
            return fail(ErrorCode::too_large, "the image is refused: it unpacks to more than " +
                                                  std::to_string(limits_.bytes_max >> 20) + " MB");
        const bool executable = (archive_entry_perm(entry) & 0111) != 0;
        AC_TRY(const UniqueFd file, tree_.make_file(path, executable));
        const void* block = nullptr;
        std::size_t count = 0;
        la_int64_t offset = 0;
        while (true) {
            const int status = archive_read_data_block(reader, &block, &count, &offset);
            if (status == ARCHIVE_EOF) break;
            if (status < ARCHIVE_WARN) return damaged(reader);
            if (static_cast<std::uint64_t>(offset) + count > size) return damaged(reader);
            AC_CHECK(write_at(file.get(), static_cast<const char*>(block), count, offset));
        }
        if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
            return fail(errno_error("write a file of the image", errno));
        return {};
    }

    static Result<> write_at(int file, const char* bytes, std::size_t count, la_int64_t offset) {
        while (count > 0) {
            const ssize_t wrote = ::pwrite(file, bytes, count, offset);
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) return fail(errno_error("write a file of the image", errno));
            bytes += wrote;
            offset += wrote;
            count -= static_cast<std::size_t>(wrote);
        }
        return {};
    }

    Tree tree_;
    const UnpackLimits& limits_;
    Unpacked& so_far_;
    std::unordered_set<std::string> written_;
};

la_ssize_t read_plain(archive*, void* plain, const void** out) {
    return static_cast<Plain*>(plain)->read(out);
}

}  // namespace

Result<> apply_layer(const UniqueFd& layer, const std::filesystem::path& root,
                     const std::string& diff_id, const UnpackLimits& limits, Unpacked& so_far) {
    AC_TRY(Tree tree, Tree::open(root));
    // Names, padding and headers come on top of the files.
    AC_TRY(const auto plain, Plain::open(layer, limits.bytes_max + limits.bytes_max / 4));
    const Reader reader(archive_read_new());
    archive_read_support_format_tar(reader.get());
    archive_read_support_format_empty(reader.get());
    if (archive_read_open(reader.get(), plain.get(), nullptr, read_plain, nullptr) != ARCHIVE_OK)
        return damaged(reader.get());
    Applying applying(std::move(tree), limits, so_far);
    archive_entry* entry = nullptr;
    while (true) {
        const int status = archive_read_next_header(reader.get(), &entry);
        if (status == ARCHIVE_EOF) break;
        if (plain->is_too_large())
            return fail(ErrorCode::too_large, "the image is refused: a layer is too large");
        if (status < ARCHIVE_WARN) return damaged(reader.get());
        AC_CHECK(applying.take(reader.get(), entry));
    }
    AC_TRY(const std::string digest, plain->digest());
    if (!diff_id.empty() && digest != diff_id)
        return fail(ErrorCode::invalid_argument, "a layer of the image is refused: it is " +
                                                     digest + ", the image's configuration says " +
                                                     diff_id);
    return {};
}

}  // namespace ac::oci
