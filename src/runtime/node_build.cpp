#include "runtime/node_build.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/file.h"
#include "crypto/hash.h"
#include "runtime/installer.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// Bumped when what an installation leaves behind changes.
constexpr std::string_view kCacheFormat = "1";
constexpr std::size_t kManifestBytesMax = 1 << 20;
constexpr std::size_t kLockBytesMax = 32 << 20;
constexpr std::array<std::string_view, 6> kSuffixes = {".js", ".mjs", ".cjs",
                                                       ".ts", ".mts", ".cts"};

// "22" of an installation whose headers or npm package say which version it is; "" where neither.
std::string major_version(const fs::path& prefix) {
    const auto text = read_file(prefix / "include/node/node_version.h", kManifestBytesMax);
    if (!text) return {};
    constexpr std::string_view kName = "#define NODE_MAJOR_VERSION ";
    const auto at = text->find(kName);
    if (at == text->npos) return {};
    int major = 0;
    const char* const begin = text->data() + at + kName.size();
    if (std::from_chars(begin, text->data() + text->size(), major).ec != std::errc()) return {};
    return std::to_string(major);
}

std::optional<NodeInterpreter> node_at(const fs::path& given) {
    std::error_code error;
    const fs::path path = fs::canonical(given, error);
    if (error || ::access(path.c_str(), X_OK) != 0) return std::nullopt;
    NodeInterpreter node{.path = path, .npm = {}};
    const fs::path prefix = path.parent_path().parent_path();
    for (const char* place :
         {"lib/node_modules/npm/bin/npm-cli.js", "share/nodejs/npm/bin/npm-cli.js"})
        if (node.npm.empty() && fs::exists(prefix / place, error)) node.npm = prefix / place;
    return node;
}

bool has_members(const json::object& manifest, std::string_view name) {
    const json::value* list = manifest.if_contains(name);
    return list != nullptr && list->is_object() && !list->get_object().empty();
}

bool names_files(std::string_view text) {
    return text.find("\"file:") != text.npos || text.find("\"link:") != text.npos ||
           text.find("\"workspaces\"") != text.npos;
}

BoxRun node_run(const NodeInterpreter& node) {
    BoxRun run{.environment = {
                   "PATH=" + node.path.parent_path().string() + ":/usr/local/bin:/usr/bin:/bin",
                   "HOME=/work", "TMPDIR=/tmp", "LANG=C.UTF-8", "NODE_ENV=production"}};
    if (const auto prefix = interpreter_prefix(node.path); !prefix.empty())
        run.visible.push_back(prefix);
    return run;
}

}  // namespace

bool is_node(const fs::path& interpreter) {
    return interpreter.filename() == "node";
}

Result<NodeInterpreter> find_node(const std::string& version, const BuildOptions& options) {
    std::string there;
    for (const fs::path& place :
         {options.node, fs::path("/usr/bin/node"), fs::path("/usr/local/bin/node")}) {
        const auto node = place.empty() ? std::nullopt : node_at(place);
        if (!node) continue;
        const std::string major = major_version(node->path.parent_path().parent_path());
        if (major == version || (major.empty() && place == options.node)) return *node;
        there += (there.empty() ? "" : ", ") + node->path.string() + " of version " +
                 (major.empty() ? "unknown" : major);
    }
    return fail(ErrorCode::unavailable,
                "Node.js " + version + " is not installed on this machine (there is: " +
                    (there.empty() ? "none" : there) +
                    "); install it or name it in the configuration (runtime.node)");
}

Result<std::optional<NodePackages>> find_node_packages(const fs::path& code) {
    const auto text = read_file(code / "package.json", kManifestBytesMax);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    const json::value manifest = json::parse(*text, error);
    if (error || !manifest.is_object())
        return fail(ErrorCode::invalid_argument, "package.json is not a JSON object");
    if (!has_members(manifest.get_object(), "dependencies") &&
        !has_members(manifest.get_object(), "optionalDependencies"))
        return std::nullopt;
    std::error_code ignored;
    if (!fs::is_empty(code / kNodeModules, ignored)) return std::nullopt;
    NodePackages packages{.text = *text};
    for (const char* name : {"package-lock.json", "npm-shrinkwrap.json", ".npmrc"}) {
        const auto more = read_file(code / name, kLockBytesMax);
        if (!more) continue;
        packages.is_locked = packages.is_locked || name[0] != '.';
        packages.text += '\n' + *more;
    }
    packages.refers_to_files = names_files(packages.text);
    return packages;
}

BoxRun node_install_run(const NodePackages& packages, const NodeInterpreter& node,
                        const BuildOptions& options) {
    BoxRun run = node_run(node);
    let_reach_indexes(run, options);
    run.environment.push_back("AC_TARGET=" + std::string(kPackagesPath));
    run.environment.push_back("AC_CODE=" + std::string(kCodePath));
    run.environment.push_back("AC_NPM=" + node.npm.string());
    // npm replaces the folder node_modules, which a mount would not let it: it works on a copy.
    run.argv = {"/bin/sh", "-c",
                std::string("set -e\n"
                            "cp -R \"$AC_CODE\" /work/app\n"
                            "cd /work/app\n"
                            "node \"$AC_NPM\" ") +
                    (packages.is_locked ? "ci" : "install") +
                    " --omit=dev --no-audit --no-fund --no-update-notifier --loglevel=warn\n"
                    "[ ! -d node_modules ] || cp -R node_modules/. \"$AC_TARGET\"/\n"};
    return run;
}

std::optional<BoxRun> node_check_run(const std::string& script, const NodeInterpreter& node) {
    const std::string suffix = fs::path(script).extension();
    if (suffix != ".js" && suffix != ".mjs" && suffix != ".cjs") return std::nullopt;
    BoxRun run = node_run(node);
    run.argv = {node.path, "--check", std::string(kCodePath) + "/" + script};
    return run;
}

std::string node_install_key(const NodePackages& packages, const NodeInterpreter& node,
                             std::string_view machine, std::string_view archive) {
    std::string all = "node\n" + std::string(kCacheFormat) + '\n' + node.path.string() + '\n' +
                      std::string(machine) + '\n' + packages.text;
    if (packages.refers_to_files) all += '\n' + std::string(archive);
    return sha256_hex(all);
}

Result<NodeCommand> node_command(const std::vector<std::string>& entry_point,
                                 const NodeInterpreter& node) {
    NodeCommand command{.argv = {node.path}, .script = {}};
    std::size_t next = !entry_point.empty() && entry_point.front() == "node" ? 1 : 0;
    const auto is_script = [](const std::string& word) {
        return !word.starts_with('-') &&
               std::ranges::find(kSuffixes, fs::path(word).extension().string()) != kSuffixes.end();
    };
    while (next < entry_point.size() && !is_script(entry_point[next])) {
        if (next == 0)
            return fail(ErrorCode::invalid_argument,
                        "entryPoint: " + entry_point[next] +
                            " is no file of JavaScript or TypeScript (.js, .mjs, .cjs, .ts, .mts, "
                            ".cts)");
        command.argv.push_back(entry_point[next++]);
    }
    if (next == entry_point.size())
        return fail(ErrorCode::invalid_argument, "entryPoint names no file to run");
    command.script = entry_point[next++];
    command.argv.push_back(std::string(kCodePath) + "/" + command.script);
    for (; next < entry_point.size(); ++next) command.argv.push_back(entry_point[next]);
    return command;
}

}  // namespace ac::runtime
