#include "storage/blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/file.h"
#include "crypto/hash.h"
#include "storage/limits.h"

namespace ac::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIncoming = "incoming";

bool is_blob_name(std::string_view name) {
    return name.size() == 64 &&
           name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<> sync_folder(const fs::path& folder) {
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0)
        return fail(errno_error("fsync folder " + folder.string(), errno));
    return {};
}

// A new folder is durable when its parent has been synced, which is left to the caller.
Result<> ensure_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return fail(errno_error("create folder " + folder.string(), errno));
}

Result<> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            Error error = errno_error("write blob", errno);
            error.code = ErrorCode::unavailable;
            return fail(std::move(error));
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

// What one writer's steps on the pool share; a step keeps it alive, so it may outlive its writer.
struct Draft {
    explicit Draft(fs::path file) : path(std::move(file)) {}
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    Result<> create() {
        fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!fd) return fail(errno_error("create blob", errno));
        return {};
    }

    Result<> flush() {
        sha256.update(buffer);
        md5.update(buffer);
        auto written = write_all(fd.get(), buffer);
        broken = !written;
        size += buffer.size();
        buffer.clear();
        return written;
    }

    Result<BlobInfo> seal() {
        AC_CHECK(flush());
        if (::fdatasync(fd.get()) != 0) {
            broken = true;
            return fail(errno_error("fdatasync blob", errno));
        }
        buffer.shrink_to_fit();
        return BlobInfo{.id = {sha256.finish_hex()}, .size = size, .md5 = md5.finish_hex()};
    }

    // The name may exist already: then it has the same bytes, and replacing it is atomic. All three
    // folders are synced even if they existed: another writer may have made them a moment ago.
    Result<> rename_to(const fs::path& target) {
        const fs::path inner = target.parent_path();
        const fs::path outer = inner.parent_path();
        AC_CHECK(ensure_folder(outer));
        AC_CHECK(ensure_folder(inner));
        if (::rename(path.c_str(), target.c_str()) != 0)
            return fail(errno_error("rename blob", errno));
        named = true;
        AC_CHECK(sync_folder(inner));
        AC_CHECK(sync_folder(outer));
        return sync_folder(outer.parent_path());
    }

    const fs::path path;
    UniqueFd fd;
    bool named = false;  // `path` is gone: the blob has its name
    std::string buffer;
    std::uint64_t size = 0;
    Hasher sha256{Digest::sha256};
    Hasher md5{Digest::md5};
    bool broken = false;
};

fs::path path_in(const fs::path& folder, const BlobId& id) {
    return folder / id.sha256.substr(0, 2) / id.sha256.substr(2, 2) / id.sha256;
}

class FileBlobWriter final : public BlobWriter {
  public:
    FileBlobWriter(std::shared_ptr<Draft> draft, fs::path folder, ThreadPool& pool)
        : draft_(std::move(draft)), folder_(std::move(folder)), pool_(pool) {}
    ~FileBlobWriter() override {
        if (!draft_->named) ::unlink(draft_->path.c_str());
    }

    Task<> write(std::string_view bytes) override {
        if (draft_->broken || sealed_)
            co_return fail(ErrorCode::unavailable, "blob writer is done");
        while (!bytes.empty()) {
            const auto part = bytes.substr(0, kBlobBufferBytes - draft_->buffer.size());
            draft_->buffer.append(part);
            bytes.remove_prefix(part.size());
            if (draft_->buffer.size() < kBlobBufferBytes) break;
            auto flush = [draft = draft_]() -> Result<> { return draft->flush(); };
            AC_CO_CHECK(co_await pool_.run(std::move(flush)));
        }
        co_return Result<>{};
    }

    Task<BlobInfo> seal() override {
        if (sealed_) co_return *sealed_;
        if (draft_->broken) co_return fail(ErrorCode::unavailable, "blob writer is done");
        auto seal = [draft = draft_]() -> Result<BlobInfo> { return draft->seal(); };
        AC_CO_TRY(sealed_, co_await pool_.run(std::move(seal)));
        co_return *sealed_;
    }

    Task<BlobInfo> commit() override {
        AC_CO_TRY(const BlobInfo info, co_await seal());
        if (draft_->named) co_return info;
        auto name = [draft = draft_, target = path_in(folder_, info.id)]() -> Result<> {
            return draft->rename_to(target);
        };
        AC_CO_CHECK(co_await pool_.run(std::move(name)));
        co_return info;
    }

  private:
    std::shared_ptr<Draft> draft_;  // shared with the step that runs on the pool
    const fs::path folder_;
    ThreadPool& pool_;
    std::optional<BlobInfo> sealed_;
};

class FileBlobReader final : public BlobReader {
  public:
    FileBlobReader(UniqueFd fd, std::uint64_t size, ThreadPool& pool)
        : fd_(std::make_shared<UniqueFd>(std::move(fd))), size_(size), pool_(pool) {}

    std::uint64_t size() const override { return size_; }

    Task<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        auto read = [fd = fd_, offset, out]() -> Result<std::size_t> {
            std::size_t done = 0;
            while (done < out.size()) {
                const ssize_t n = ::pread(fd->get(), out.data() + done, out.size() - done,
                                          static_cast<off_t>(offset + done));
                if (n < 0 && errno == EINTR) continue;
                if (n < 0) return fail(errno_error("read blob", errno));
                if (n == 0) break;
                done += static_cast<std::size_t>(n);
            }
            return done;
        };
        return pool_.run(std::move(read));
    }

  private:
    std::shared_ptr<UniqueFd> fd_;  // shared with the read under way
    const std::uint64_t size_;
    ThreadPool& pool_;
};

class FileBlobStore final : public BlobStore {
  public:
    FileBlobStore(fs::path folder, UniqueFd lock, ThreadPool& pool)
        : folder_(std::move(folder)), lock_(std::move(lock)), pool_(pool) {}

    Task<std::unique_ptr<BlobWriter>> create() override {
        auto draft = std::make_shared<Draft>(folder_ / kIncoming / std::to_string(next_++));
        auto create = [draft]() -> Result<> { return draft->create(); };
        AC_CO_CHECK(co_await pool_.run(std::move(create)));
        std::unique_ptr<BlobWriter> writer =
            std::make_unique<FileBlobWriter>(std::move(draft), folder_, pool_);
        co_return writer;
    }

    Task<std::unique_ptr<BlobReader>> open(BlobId id) override {
        auto open = [path = path_of(id), &pool = pool_]() -> Result<std::unique_ptr<BlobReader>> {
            UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (!fd) return fail(errno_error("open blob", errno));
            struct ::stat status{};
            if (::fstat(fd.get(), &status) != 0) return fail(errno_error("stat blob", errno));
            return std::make_unique<FileBlobReader>(
                std::move(fd), static_cast<std::uint64_t>(status.st_size), pool);
        };
        return pool_.run(std::move(open));
    }

    Task<> remove(BlobId id) override {
        auto remove = [path = path_of(id)]() -> Result<> {
            if (::unlink(path.c_str()) != 0 && errno != ENOENT)
                return fail(errno_error("remove blob", errno));
            return {};
        };
        return pool_.run(std::move(remove));
    }

    Task<std::vector<BlobId>> list(std::uint8_t first_byte) override {
        auto list = [path = folder_ /
                            fmt::format("{:02x}", first_byte)]() -> Result<std::vector<BlobId>> {
            std::vector<BlobId> ids;
            std::error_code error;
            for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
                 it.increment(error)) {
                auto name = it->path().filename().string();
                if (is_blob_name(name)) ids.push_back({std::move(name)});
            }
            if (error && error != std::errc::no_such_file_or_directory)
                return fail(errno_error("list blobs", error.value()));
            return ids;
        };
        return pool_.run(std::move(list));
    }

    fs::path path_of(const BlobId& id) const override {
        AC_ASSERT(is_blob_name(id.sha256));
        return path_in(folder_, id);
    }

  private:
    const fs::path folder_;
    const UniqueFd lock_;
    ThreadPool& pool_;
    std::atomic<std::uint64_t> next_{0};
};

Result<> remove_leftovers(const fs::path& incoming) {
    std::error_code error;
    for (fs::directory_iterator it(incoming, error), end; !error && it != end; it.increment(error))
        ::unlink(it->path().c_str());
    if (error) return fail(errno_error("clean " + incoming.string(), error.value()));
    return {};
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_blob_store(fs::path folder, ThreadPool& pool) {
    AC_CHECK(ensure_folder(folder));
    AC_CHECK(ensure_folder(folder / kIncoming));
    UniqueFd lock(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return fail(errno_error("open " + (folder / "lock").string(), errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorCode::unavailable,
                    fmt::format("{} is in use by another process", folder.string()));
    AC_CHECK(remove_leftovers(folder / kIncoming));
    AC_CHECK(sync_folder(folder));
    if (folder.has_parent_path()) AC_CHECK(sync_folder(folder.parent_path()));
    return std::make_unique<FileBlobStore>(std::move(folder), std::move(lock), pool);
}

}  // namespace ac::storage
