#include "runtime/guest_plan.h"

#include <map>

#include "base/encoding.h"
#include "runtime/build_box.h"
#include "runtime/interpreter.h"
#include "runtime/node_build.h"
#include "runtime/platform_door.h"

namespace ac::runtime {
namespace {

// "/var/task/src" of /var/task/src/agent.py; empty: the command runs no file of the code.
std::string script_folder(const BuiltVersion& built) {
    for (const std::string& word : built.command)
        if (word.starts_with(std::string(kCodePath) + "/")) return word.substr(0, word.rfind('/'));
    return {};
}

// What replaces packages of the archive comes first. Python itself would put the script's folder
// before all of this: see PYTHONSAFEPATH below.
std::string python_path(const BuiltVersion& built, const std::string& users) {
    std::string path;
    if (!built.overlay_folder.empty()) {
        path += std::string(kOverlayPath) + ":";
        if (const auto folder = script_folder(built); !folder.empty() && folder != kCodePath)
            path += folder + ":";
    }
    path += kCodePath;
    if (!built.packages_folder.empty()) path += ":" + std::string(kPackagesPath);
    if (!users.empty()) path += ":" + users;
    return path;
}

// What points stock clients at the platform (see `agentcore env`). An agent's own settings win.
void add_platform(std::map<std::string, std::string>& environment, const std::string& url) {
    for (const char* name :
         {"AWS_ENDPOINT_URL", "BEDROCK_AGENTCORE_DP_ENDPOINT", "BEDROCK_AGENTCORE_CP_ENDPOINT",
          "BEDROCK_AGENTCORE_CONTROL_ENDPOINT", "AGENTCORE_ENDPOINT"})
        environment[name] = url;
    environment["AWS_ACCESS_KEY_ID"] = kGuestKeyId;
    environment["AWS_SECRET_ACCESS_KEY"] = kGuestSecret;
    // Nothing answers there, which clients would take seconds to find out.
    environment["AWS_EC2_METADATA_DISABLED"] = "true";
}

// As curl, requests, httpx, Go and (told so) Node read it.
void add_egress(std::map<std::string, std::string>& environment, const std::string& url) {
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
        environment[name] = url;
    environment["NO_PROXY"] = environment["no_proxy"] = "localhost,127.0.0.1,::1";
    environment["NODE_USE_ENV_PROXY"] = "1";
}

GuestPlan plan_code(const BuiltVersion& built) {
    GuestPlan plan{.argv = built.command, .folder = std::string(kCodePath)};
    plan.policy.add_mount({built.code_folder, std::string(kCodePath)});
    if (!built.overlay_folder.empty())
        plan.policy.add_mount({built.overlay_folder, std::string(kOverlayPath)});
    const std::string beside = std::string(kCodePath) + "/" + std::string(kNodeModules);
    if (!built.packages_folder.empty())
        plan.policy.add_mount({built.packages_folder,
                               is_node(built.interpreter) ? beside : std::string(kPackagesPath)});
    const auto prefix =
        built.interpreter.empty() ? std::string() : interpreter_prefix(built.interpreter).string();
    if (!prefix.empty()) plan.policy.add_mount({prefix, prefix});
    return plan;
}

GuestPlan plan_image(const BuiltVersion& built) {
    GuestPlan plan{.argv = built.command, .folder = built.image_folder};
    plan.policy.set_writable_root(sandbox::grants::WritableRoot{}, built.image_root);
    plan.policy.set_user(built.image_user);
    return plan;
}

std::map<std::string, std::string> node_environment(const BuiltVersion& built) {
    const std::string tools = std::filesystem::path(built.interpreter).parent_path();
    return {{"PATH", std::string(kCodePath) + "/" + std::string(kNodeModules) + "/.bin:" + tools +
                         ":/usr/local/bin:/usr/bin:/bin"},
            {"LANG", "C.UTF-8"},
            {"TMPDIR", "/tmp"},
            {"NODE_ENV", "production"}};
}

// Shared libraries are looked for where AWS Lambda has them for programs.
std::map<std::string, std::string> program_environment() {
    const std::string code(kCodePath);
    return {{"PATH", code + "/bin:/usr/local/bin:/usr/bin:/bin"},
            {"LD_LIBRARY_PATH", code + ":" + code + "/lib"},
            {"LANG", "C.UTF-8"},
            {"TMPDIR", "/tmp"}};
}

std::map<std::string, std::string> code_environment(const BuiltVersion& built) {
    if (built.interpreter.empty()) return program_environment();
    if (is_node(built.interpreter)) return node_environment(built);
    return {{"PATH", std::string(kPackagesPath) + "/bin:/usr/local/bin:/usr/bin:/bin"},
            {"LANG", "C.UTF-8"},
            {"TMPDIR", "/tmp"},
            {"PYTHONUNBUFFERED", "1"},
            {"PYTHONDONTWRITEBYTECODE", "1"}};
}

std::map<std::string, std::string> image_environment(const BuiltVersion& built) {
    std::map<std::string, std::string> out{
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
    for (const std::string& line : built.image_environment) {
        const auto equals = line.find('=');
        if (equals != line.npos && equals > 0)
            out[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return out;
}

}  // namespace

GuestPlan plan_guest(const Scope& scope, const RuntimeId& runtime, const std::string& endpoint,
                     const Resolved& target, const RuntimeLimits& limits, const GuestLinks& links) {
    const BuiltVersion& built = target.built;
    GuestPlan plan = built.image_root.empty() ? plan_code(built) : plan_image(built);
    plan.limits.memory_bytes_max = limits.guest_memory_bytes_max;
    plan.limits.processors_max = limits.guest_processors_max;

    const std::string arn = endpoint_arn(scope, runtime, endpoint);
    std::map<std::string, std::string> environment =
        built.image_root.empty() ? code_environment(built) : image_environment(built);
    environment["AWS_REGION"] = environment["AWS_DEFAULT_REGION"] = scope.region;
    environment["OTEL_RESOURCE_ATTRIBUTES"] = "cloud.resource_id=" + arn;
    if (!links.platform_url.empty()) add_platform(environment, links.platform_url);
    if (!links.egress_url.empty()) add_egress(environment, links.egress_url);
    if (!links.public_url.empty()) {
        environment["AGENTCORE_RUNTIME_URL"] = links.public_url + "/runtimes/" +
                                               percent_encode(runtime_arn(scope, runtime)) +
                                               "/invocations/";
    }
    for (const auto& [name, value] : target.spec.environment) environment[name] = value;
    environment["HOME"] = "/work";  // the one folder that is the guest's own
    const bool is_python = !built.interpreter.empty() && !is_node(built.interpreter);
    if (built.image_root.empty() && is_python)
        environment["PYTHONPATH"] =
            python_path(built, target.spec.environment.contains("PYTHONPATH")
                                   ? target.spec.environment.at("PYTHONPATH")
                                   : std::string());
    // A variable and no flag: opentelemetry-instrument starts the interpreter again. Python 3.10
    // does not know it.
    if (!built.overlay_folder.empty()) environment["PYTHONSAFEPATH"] = "1";
    for (const auto& [name, value] : environment) plan.environment.push_back(name + "=" + value);
    return plan;
}

}  // namespace ac::runtime
