#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "cli/command/deployed_agent.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr Milliseconds kLookAgain{100};
constexpr Milliseconds kDeleteTimeout{120'000};

struct Resource {
    enum class Kind { endpoint, runtime, object } kind;
    std::string name;    // what the user sees
    std::string bucket;  // of an object
    std::string key;
};

json::object as_json(const Resource& resource) {
    const char* kinds[] = {"endpoint", "runtime", "object"};
    return {{"type", kinds[static_cast<int>(resource.kind)]}, {"name", resource.name}};
}

class Destruction final {
  public:
    Destruction(const Context& context, const DestroyOptions& options, DeployedAgent& deployed)
        : context_(context), options_(options), deployed_(deployed) {}

    Expected<> run() {
        AC_TRY(const auto resources, find());
        if (options_.dry_run) return report(resources, "Would delete", false);
        if (!options_.force && !agreed(resources))
            return failed(ExitCode::failed, "nothing was deleted",
                          "Give --force to delete without being asked.");
        for (const auto& resource : resources) AC_CHECK(remove(resource));
        AC_CHECK(wait_until_gone());
        deployed_.project.forget_deployment(deployed_.agent.name);
        AC_CHECK(deployed_.project.save());
        return report(resources, "Deleted", true);
    }

  private:
    AwsClient& client() { return deployed_.client(); }
    const std::string& id() const { return deployed_.agent.runtime_id; }

    // The order in which they are deleted.
    Expected<std::vector<Resource>> find() {
        std::vector<Resource> resources;
        auto runtime = get_runtime(client(), id());
        if (!runtime && runtime.error().code != ExitCode::not_found)
            return std::unexpected(runtime.error());
        if (!runtime) return resources;
        AC_TRY(const json::array endpoints, list_endpoints(client(), id()));
        for (const auto& endpoint : endpoints)
            if (const auto name = text_at(endpoint, "name"); name != "DEFAULT")
                resources.push_back({Resource::Kind::endpoint, name, "", ""});
        resources.push_back({Resource::Kind::runtime, id(), "", ""});
        AC_CHECK(add_objects(resources));
        return resources;
    }

    // The code of each version; two versions may share it.
    Expected<> add_objects(std::vector<Resource>& resources) {
        AC_TRY(const json::array versions, list_versions(client(), id()));
        std::set<std::pair<std::string, std::string>> seen;
        for (const auto& version : versions) {
            auto one = get_runtime(client(), id(), text_at(version, "agentRuntimeVersion"));
            if (!one) continue;
            const auto& artifact = member_at(*one, "agentRuntimeArtifact");
            const auto& s3 =
                member_at(member_at(member_at(artifact, "codeConfiguration"), "code"), "s3");
            const auto place = std::pair(text_at(s3, "bucket"), text_at(s3, "prefix"));
            if (place.first.empty() || !seen.insert(place).second) continue;
            // Code that this program did not upload is not ours to delete.
            if (!place.second.ends_with("/deployment.zip") ||
                place.second.find(deployed_.agent.name + "/") == std::string::npos)
                continue;
            resources.push_back({Resource::Kind::object,
                                 fmt::format("s3://{}/{}", place.first, place.second), place.first,
                                 place.second});
        }
        return {};
    }

    bool agreed(const std::vector<Resource>& resources) {
        Console& console = context_.console();
        if (!console.in_is_terminal() || !console.err_is_terminal()) return false;
        for (const auto& resource : resources) console.err("  " + resource.name + "\n");
        return confirm(console, fmt::format("Delete these of agent {}?", deployed_.agent.name));
    }

    Expected<> remove(const Resource& resource) {
        Expected<> removed;
        switch (resource.kind) {
            case Resource::Kind::endpoint:
                removed = delete_endpoint(client(), id(), resource.name);
                break;
            case Resource::Kind::runtime:
                removed = delete_runtime(client(), id());
                break;
            case Resource::Kind::object:
                removed = delete_object(client(), resource.bucket, resource.key);
                break;
        }
        if (!removed && removed.error().code == ExitCode::not_found) return {};
        return removed;
    }

    // Deleting ends the sessions first; a deploy of the same name would meet the old runtime.
    Expected<> wait_until_gone() {
        for (Milliseconds waited{0}; waited < kDeleteTimeout; waited += kLookAgain) {
            auto runtime = get_runtime(client(), id());
            if (!runtime && runtime.error().code == ExitCode::not_found) return {};
            if (!runtime) return std::unexpected(runtime.error());
            pause(context_.world.clock, kLookAgain);
        }
        return failed(ExitCode::timed_out, fmt::format("{} is still being deleted", id()),
                      "Look again with: agentcore status");
    }

    Expected<> report(const std::vector<Resource>& resources, std::string_view verb, bool deleted) {
        if (context_.common.json) {
            json::array list;
            for (const auto& resource : resources) list.push_back(as_json(resource));
            const json::object out = {{"agent", deployed_.agent.name},
                                      {"deleted", deleted},
                                      {"resources", std::move(list)}};
            context_.console().out(json::serialize(out) + "\n");
            return {};
        }
        std::string text;
        for (const auto& resource : resources) text += fmt::format("{} {}\n", verb, resource.name);
        if (resources.empty()) text = "Nothing of this agent is on the daemon.\n";
        context_.console().out(text);
        return {};
    }

    const Context& context_;
    const DestroyOptions& options_;
    DeployedAgent& deployed_;
};

}  // namespace

Expected<> run(const Context& context, const DestroyOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    return Destruction(context, options, deployed).run();
}

}  // namespace ac::cli
