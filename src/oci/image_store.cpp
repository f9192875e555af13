#include "oci/image_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "crypto/hash.h"
#include "oci/tree.h"

namespace ac::oci {
namespace {

namespace fs = std::filesystem;

constexpr int kIndexDepthMax = 3;

struct RemoveFolder {
    explicit RemoveFolder(fs::path p) : path(std::move(p)) {}
    RemoveFolder(const RemoveFolder&) = delete;
    RemoveFolder& operator=(const RemoveFolder&) = delete;
    ~RemoveFolder() { remove_tree(path); }
    fs::path path;
};

bool is_there(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
}

std::string hex_of(const std::string& digest) {
    return digest.substr(digest.find(':') + 1);
}

std::string in_megabytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

Result<std::string> read_text(const UniqueFd& file) {
    std::string out(kDocumentBytesMax + 1, '\0');
    std::size_t size = 0;
    while (size < out.size()) {
        const ssize_t count =
            ::pread(file.get(), out.data() + size, out.size() - size, static_cast<off_t>(size));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(errno_error("read the image", errno));
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    if (size > kDocumentBytesMax)
        return fail(ErrorCode::invalid_argument, "the image has a document of over 4 MB");
    out.resize(size);
    return out;
}

// Where the parts of an image lie in a folder.
struct Found {
    std::string config_text;
    std::vector<std::string> layers;  // paths from the folder
};

std::string place_of(const Descriptor& blob) {
    return "blobs/sha256/" + hex_of(blob.digest);
}

Result<UniqueFd> open_blob(const Tree& tree, const Descriptor& wanted) {
    AC_TRY(UniqueFd file, tree.open_file(place_of(wanted)));
    struct stat found{};
    if (::fstat(file.get(), &found) != 0) return fail(errno_error("read the image", errno));
    if (static_cast<std::uint64_t>(found.st_size) != wanted.size)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("the image has {} bytes of {}, which it says to have {}",
                                found.st_size, wanted.digest, wanted.size));
    return file;
}

Result<std::string> read_blob(const Tree& tree, const Descriptor& wanted) {
    AC_TRY(const UniqueFd file, open_blob(tree, wanted));
    AC_TRY(std::string text, read_text(file));
    if ("sha256:" + sha256_hex(text) != wanted.digest)
        return fail(ErrorCode::invalid_argument,
                    "the image has a part that is not " + wanted.digest);
    return text;
}

Result<Found> find_in_layout(const Tree& tree, std::string text) {
    for (int depth = 0; depth <= kIndexDepthMax; ++depth) {
        AC_TRY(const ManifestOrChoice parsed, parse_manifest(text, architecture_of_host()));
        if (!parsed.manifest) {
            AC_TRY(text, read_blob(tree, parsed.choice));
            continue;
        }
        Found out;
        AC_TRY(out.config_text, read_blob(tree, parsed.manifest->config));
        for (const Descriptor& layer : parsed.manifest->layers) {
            AC_CHECK(open_blob(tree, layer));  // its content is hashed while it is unpacked
            out.layers.push_back(place_of(layer));
        }
        return out;
    }
    return fail(ErrorCode::invalid_argument, "the image has indexes of indexes of indexes");
}

Result<Found> find_in_archive(const fs::path& folder) {
    AC_TRY(const Tree tree, Tree::open(folder));
    if (const auto index = tree.open_file("index.json")) {
        AC_TRY(std::string text, read_text(*index));
        return find_in_layout(tree, std::move(text));
    }
    const auto saved_file = tree.open_file("manifest.json");
    if (!saved_file)
        return fail(ErrorCode::invalid_argument,
                    "the archive holds no image: neither index.json (OCI) nor manifest.json "
                    "(docker save) is in it");
    AC_TRY(const std::string text, read_text(*saved_file));
    AC_TRY(const SavedImage saved, parse_saved(text));
    AC_TRY(const UniqueFd config, tree.open_file(saved.config));
    Found out{.config_text = {}, .layers = saved.layers};
    AC_TRY(out.config_text, read_text(config));
    return out;
}

Result<ImageConfig> checked_config(const std::string& text, std::size_t layers) {
    AC_TRY(ImageConfig config, parse_config(text));
    if (!config.architecture.empty() && config.architecture != architecture_of_host()) {
        return fail(ErrorCode::invalid_argument,
                    "the image is made for linux/" + config.architecture.substr(0, 40) +
                        "; this machine is linux/" + std::string(architecture_of_host()));
    }
    if (config.diff_ids.size() != layers)
        return fail(ErrorCode::invalid_argument,
                    "the image's configuration tells another number of layers than its manifest");
    return config;
}

Result<> unpack_layer(const fs::path& scratch, const std::string& layer, const fs::path& root,
                      const std::string& diff_id, const UnpackLimits& limits, Unpacked& so_far) {
    AC_TRY(const Tree tree, Tree::open(scratch));
    AC_TRY(const UniqueFd file, tree.open_file(layer));
    return apply_layer(file, root, diff_id, limits, so_far);
}

Result<> publish(const fs::path& from, const fs::path& to, const std::string& config_text) {
    AC_CHECK(write_file(from / "config.json", config_text, 0600));
    const UniqueFd folder(::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::syncfs(folder.get()) != 0)
        return fail(errno_error("cannot write an image to disk", errno));
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    // Somebody else was first; an id names its content.
    if (errno == EEXIST || errno == ENOTEMPTY) return {};
    return fail(errno_error("cannot keep an image", errno));
}

}  // namespace

ImageStore::ImageStore(ThreadPool& pool, Random& random, fs::path folder, UnpackLimits limits)
    : pool_(pool), random_(random), folder_(std::move(folder)), limits_(limits) {}

Result<> ImageStore::prepare() {
    remove_tree(folder_ / "tmp");
    std::error_code error;
    fs::create_directories(folder_ / "tmp", error);
    if (error)
        return fail(ErrorCode::unavailable,
                    "cannot create " + (folder_ / "tmp").string() + ": " + error.message());
    ::chmod(folder_.c_str(), 0700);
    return {};
}

Result<> ImageStore::keep_only(const std::vector<fs::path>& roots) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        const fs::path name = entry.path().filename();
        if (name == "tmp") continue;
        if (std::ranges::find(roots, entry.path() / "root") != roots.end()) continue;
        AC_TRY(const fs::path gone, new_folder());
        if (::rename(entry.path().c_str(), (gone / name).c_str()) != 0)
            return fail(errno_error("remove an image", errno));
        pool_.post([gone] { remove_tree(gone); });
    }
    if (error)
        return fail(ErrorCode::unavailable,
                    "cannot read " + folder_.string() + ": " + error.message());
    return {};
}

Result<fs::path> ImageStore::new_folder() {
    fs::path folder = folder_ / "tmp" / random_alphanumeric(random_, 16);
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) return fail(ErrorCode::unavailable, "cannot create a folder: " + error.message());
    return folder;
}

Task<StoredImage> ImageStore::keep(std::string config_text, fs::path scratch,
                                   std::vector<std::string> layers, Note note) {
    AC_CO_TRY(ImageConfig config, checked_config(config_text, layers.size()));
    StoredImage out{.id = sha256_hex(config_text), .root = {}, .config = std::move(config)};
    const fs::path target = folder_ / out.id;
    out.root = target / "root";
    if (is_there(target)) {
        note("the image " + out.id.substr(0, 12) + " is here already");
        co_return std::move(out);
    }
    AC_CO_TRY(const fs::path folder, new_folder());
    const RemoveFolder cleanup(folder);
    const fs::path root = folder / "root";
    std::error_code error;
    fs::create_directory(root, error);
    if (error) co_return fail(ErrorCode::unavailable, "cannot create a folder: " + error.message());
    const auto so_far = std::make_shared<Unpacked>();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        auto unpack = [scratch, layer = layers[i], root, diff_id = out.config.diff_ids[i],
                       limits = limits_, so_far] {
            return unpack_layer(scratch, layer, root, diff_id, limits, *so_far);
        };
        AC_CO_CHECK(co_await pool_.run(std::move(unpack)));
        note(fmt::format("layer {} of {} unpacked", i + 1, layers.size()));
    }
    note(fmt::format("{} files, {}", so_far->files, in_megabytes(so_far->bytes)));
    if (so_far->left_out > 0)
        note(fmt::format("{} devices, sockets and pipes were left out", so_far->left_out));
    auto finish = [folder, target, config_text] { return publish(folder, target, config_text); };
    AC_CO_CHECK(co_await pool_.run(std::move(finish)));
    co_return std::move(out);
}

Task<StoredImage> ImageStore::from_registry(Pull& pull, std::string version, Note note) {
    std::string next = version;
    Manifest manifest;
    for (int depth = 0;; ++depth) {
        AC_CO_TRY(const std::string text, co_await pull.manifest(next));
        AC_CO_TRY(ManifestOrChoice parsed, parse_manifest(text, architecture_of_host()));
        if (parsed.manifest) {
            manifest = std::move(*parsed.manifest);
            break;
        }
        if (depth == kIndexDepthMax)
            co_return fail(ErrorCode::invalid_argument, "the image has too many indexes");
        next = parsed.choice.digest;
    }
    std::uint64_t total = 0;
    for (const Descriptor& layer : manifest.layers) total += layer.size;
    if (total > limits_.bytes_max)
        co_return fail(ErrorCode::too_large,
                       "the image is refused: its layers have " + in_megabytes(total));
    AC_CO_TRY(const fs::path scratch, new_folder());
    const RemoveFolder cleanup(scratch);
    const fs::path config_path = scratch / "config";
    AC_CO_CHECK(co_await pull.blob(manifest.config, config_path));
    AC_CO_TRY(std::string config_text, read_file(config_path, kDocumentBytesMax));
    std::vector<std::string> layers;
    const bool is_kept = is_there(folder_ / hex_of(manifest.config.digest));
    for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
        const Descriptor layer = manifest.layers[i];
        layers.push_back(std::to_string(i));
        if (is_kept) continue;
        note(fmt::format("layer {} of {}: {}", i + 1, manifest.layers.size(),
                         in_megabytes(layer.size)));
        const fs::path to = scratch / layers.back();
        AC_CO_CHECK(co_await pull.blob(layer, to));
    }
    co_return co_await keep(std::move(config_text), scratch, std::move(layers), std::move(note));
}

Task<StoredImage> ImageStore::from_archive(fs::path archive, Note note) {
    AC_CO_TRY(const fs::path scratch, new_folder());
    const RemoveFolder cleanup(scratch);
    auto look = [archive, scratch, limits = limits_]() -> Result<Found> {
        const UniqueFd file(::open(archive.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) return fail(errno_error("open the image", errno));
        Unpacked unpacked;
        AC_CHECK(apply_layer(file, scratch, "", limits, unpacked));
        return find_in_archive(scratch);
    };
    AC_CO_TRY(Found found, co_await pool_.run(std::move(look)));
    co_return co_await keep(std::move(found.config_text), scratch, std::move(found.layers),
                            std::move(note));
}

}  // namespace ac::oci
