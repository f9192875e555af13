// The only file of the CLI that includes libarchive.
#include "cli/package/source_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/file.h"
#include "cli/package/ignore_rules.h"
#include "crypto/hash.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIgnoreFileBytesMax = 1 << 20;
constexpr int kFolderDepthMax = 64;
constexpr std::string_view kShrink = "List what does not belong to the agent in .gitignore.";

using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

bool leaves(const fs::path& path, const fs::path& folder) {
    const auto relative = path.lexically_relative(folder);
    return relative.empty() || *relative.begin() == "..";
}

class Collector final {
  public:
    Collector(fs::path folder, std::string keep, ArchiveLimits limits)
        : root_(std::move(folder)), keep_(std::move(keep)), limits_(limits) {
        if (auto text = read_file(root_ / ".gitignore", kIgnoreFileBytesMax))
            rules_.add_gitignore(*text);
        if (auto text = read_file(root_ / ".dockerignore", kIgnoreFileBytesMax))
            rules_.add_dockerignore(*text);
        std::error_code error;
        real_root_ = fs::canonical(root_, error);
    }

    Expected<SourceTree> collect() {
        AC_CHECK(walk(root_, "", 0));
        std::ranges::sort(tree_.files, {}, &SourceFile::name);
        std::ranges::sort(tree_.left_out);
        return std::move(tree_);
    }

  private:
    Expected<> walk(const fs::path& folder, const std::string& prefix, int depth) {
        if (depth > kFolderDepthMax)
            return failed(ExitCode::usage, fmt::format("{} is nested too deeply", folder.string()));
        std::error_code error;
        fs::directory_iterator entries(folder, error);
        if (error)
            return failed(ExitCode::failed,
                          fmt::format("cannot read {}: {}", folder.string(), error.message()));
        for (const auto& entry : entries) {
            const std::string name = prefix + entry.path().filename().string();
            const bool is_folder = entry.is_directory(error) && !entry.is_symlink(error);
            const bool kept = name == keep_ || keep_.starts_with(name + "/");
            if (!kept && rules_.excludes(name, is_folder)) continue;
            if (is_folder) {
                AC_CHECK(walk(entry.path(), name + "/", depth + 1));
            } else {
                AC_CHECK(add(entry, name));
            }
        }
        return {};
    }

    Expected<> add(const fs::directory_entry& entry, const std::string& name) {
        std::error_code error;
        fs::path path = entry.path();
        if (entry.is_symlink(error)) {
            path = fs::canonical(path, error);
            if (error || leaves(path, real_root_)) {
                tree_.left_out.push_back(name + " (a link out of the folder)");
                return {};
            }
        }
        if (!fs::is_regular_file(path, error)) {
            tree_.left_out.push_back(name + " (not a regular file)");
            return {};
        }
        const auto permissions = fs::status(path, error).permissions();
        const std::uint64_t bytes = fs::file_size(path, error);
        if (error)
            return failed(ExitCode::failed,
                          fmt::format("cannot read {}: {}", name, error.message()));
        bytes_ += bytes;
        const bool executable = (permissions & fs::perms::owner_exec) != fs::perms::none;
        tree_.files.push_back(
            {.name = name, .path = path, .bytes = bytes, .executable = executable});
        return check_limits();
    }

    Expected<> check_limits() const {
        if (tree_.files.size() > limits_.files_max)
            return failed(
                ExitCode::failed,
                fmt::format("more than {} files in {}", limits_.files_max, root_.string()),
                std::string(kShrink));
        if (bytes_ <= limits_.source_bytes_max) return {};
        const auto largest = std::ranges::max(tree_.files, {}, &SourceFile::bytes);
        return failed(
            ExitCode::failed,
            fmt::format("the source is over {} MB; the largest file is {} ({} MB)",
                        limits_.source_bytes_max >> 20, largest.name, largest.bytes >> 20),
            std::string(kShrink));
    }

    fs::path root_;
    fs::path real_root_;
    std::string keep_;
    ArchiveLimits limits_;
    IgnoreRules rules_;
    SourceTree tree_;
    std::uint64_t bytes_ = 0;
};

std::unexpected<Failure> zip_failed(archive* writer, const fs::path& path) {
    return failed(ExitCode::failed,
                  fmt::format("cannot write {}: {}", path.string(), archive_error_string(writer)));
}

// Calls `consume` with each piece of the file; it returns false to stop.
template <class Consume>
Expected<> read_pieces(const fs::path& path, Consume consume) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::unexpected(Failure(errno_error("open " + path.string(), errno)));
    char buffer[65536];
    while (true) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::unexpected(Failure(errno_error("read " + path.string(), errno)));
        if (n == 0 || !consume(std::string_view(buffer, static_cast<std::size_t>(n)))) return {};
    }
}

Expected<> add_file(archive* writer, const SourceFile& file, const fs::path& zip) {
    const Entry entry(archive_entry_new(), &archive_entry_free);
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), file.executable ? 0755 : 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.bytes));
    if (archive_write_header(writer, entry.get()) != ARCHIVE_OK) return zip_failed(writer, zip);
    std::uint64_t done = 0;
    bool written = true;
    AC_CHECK(read_pieces(file.path, [&](std::string_view piece) {
        done += piece.size();
        written = done > file.bytes || archive_write_data(writer, piece.data(), piece.size()) ==
                                           static_cast<la_ssize_t>(piece.size());
        return written && done <= file.bytes;
    }));
    if (!written) return zip_failed(writer, zip);
    if (done != file.bytes)
        return failed(ExitCode::failed, fmt::format("{} changed while it was read", file.name),
                      "Run the command again.");
    return {};
}

// Every file, and what the result is.
Expected<Archive> write_all(archive* writer, const SourceTree& tree, const fs::path& path) {
    archive_write_set_bytes_in_last_block(writer, 1);  // no padding after the end
    if (archive_write_open_filename(writer, path.c_str()) != ARCHIVE_OK)
        return zip_failed(writer, path);
    for (const auto& file : tree.files) AC_CHECK(add_file(writer, file, path));
    if (archive_write_close(writer) != ARCHIVE_OK) return zip_failed(writer, path);
    AC_TRY(std::string sha256, sha256_of_file(path));
    std::error_code error;
    return Archive{.path = path,
                   .bytes = fs::file_size(path, error),
                   .sha256 = std::move(sha256),
                   .files = tree.files.size()};
}

}  // namespace

Expected<std::string> sha256_of_file(const fs::path& path) {
    Hasher hasher(Digest::sha256);
    AC_CHECK(read_pieces(path, [&](std::string_view piece) {
        hasher.update(piece);
        return true;
    }));
    return hasher.finish_hex();
}

Expected<SourceTree> collect_sources(const fs::path& folder, const fs::path& keep,
                                     ArchiveLimits limits) {
    AC_TRY(auto tree, Collector(folder, keep.generic_string(), limits).collect());
    if (tree.files.empty())
        return failed(ExitCode::usage, fmt::format("{} holds no files to deploy", folder.string()));
    return tree;
}

void set_requirements(SourceTree& tree, const fs::path& file) {
    const std::string name =
        file.filename() == "pyproject.toml" ? "pyproject.toml" : "requirements.txt";
    std::erase_if(tree.files, [&](const SourceFile& f) { return f.name == name; });
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(file, error);
    tree.files.push_back({.name = name, .path = file, .bytes = error ? 0 : bytes});
    std::ranges::sort(tree.files, {}, &SourceFile::name);
}

Expected<SourceTree> collect_agent(const SourceLayout& layout) {
    if (!layout.program_alone) return collect_sources(layout.source, layout.entrypoint);
    const fs::path path = layout.source / layout.entrypoint;
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(path, error);
    if (error)
        return failed(ExitCode::not_found,
                      fmt::format("cannot read {}: {}", path.string(), error.message()));
    SourceTree tree;
    tree.files.push_back({.name = layout.entrypoint.generic_string(),
                          .path = path,
                          .bytes = bytes,
                          .executable = true});
    return tree;
}

Expected<SourceTree> collect_layout(const fs::path& folder) {
    constexpr std::size_t kFilesMax = 10'000;
    std::error_code error;
    SourceTree tree;
    const auto add = [&](const fs::path& path) {
        std::error_code unreadable;
        if (!fs::is_regular_file(path, unreadable)) return;
        const std::uint64_t bytes = fs::file_size(path, unreadable);
        tree.files.push_back({.name = path.lexically_relative(folder).generic_string(),
                              .path = path,
                              .bytes = unreadable ? 0 : bytes});
    };
    add(folder / "oci-layout");
    add(folder / "index.json");
    if (tree.files.size() < 2)
        return failed(ExitCode::usage,
                      fmt::format("{} is not an OCI layout: oci-layout or index.json is missing",
                                  folder.string()),
                      "Make one: skopeo copy docker-daemon:agent:latest oci:FOLDER");
    for (const auto& entry : fs::recursive_directory_iterator(folder / "blobs", error)) {
        add(entry.path());
        if (tree.files.size() > kFilesMax)
            return failed(ExitCode::usage,
                          fmt::format("{} holds more than {} blobs", folder.string(), kFilesMax));
    }
    if (error)
        return failed(ExitCode::failed, fmt::format("cannot read {}: {}",
                                                    (folder / "blobs").string(), error.message()));
    std::ranges::sort(tree.files, {}, &SourceFile::name);
    return tree;
}

Expected<Archive> write_archive(const SourceTree& tree, const fs::path& path,
                                ArchiveLimits limits) {
    const Writer writer(archive_write_new(), &archive_write_free);
    archive_write_set_format_zip(writer.get());
    archive_write_zip_set_compression_deflate(writer.get());
    AC_TRY(Archive archive, write_all(writer.get(), tree, path));
    if (archive.bytes > limits.zip_bytes_max)
        return failed(ExitCode::failed,
                      fmt::format("the package has {} MB, at most {} MB are allowed",
                                  archive.bytes >> 20, limits.zip_bytes_max >> 20),
                      std::string(kShrink));
    return archive;
}

Expected<Archive> write_tar(const SourceTree& tree, const fs::path& path) {
    const Writer writer(archive_write_new(), &archive_write_free);
    archive_write_set_format_pax_restricted(writer.get());
    return write_all(writer.get(), tree, path);
}

}  // namespace ac::cli
