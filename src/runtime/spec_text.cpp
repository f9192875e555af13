#include "runtime/spec_text.h"

#include <boost/json.hpp>

namespace ac::runtime {
namespace {

namespace json = boost::json;

json::array from_list(const std::vector<std::string>& list) {
    json::array out;
    for (const std::string& item : list) out.emplace_back(item);
    return out;
}

// Readers of a tree that we wrote ourselves; they throw when it is not such a tree.
std::string text_of(const json::object& object, std::string_view key) {
    return std::string(object.at(key).as_string());
}

std::vector<std::string> list_of(const json::object& object, std::string_view key) {
    std::vector<std::string> out;
    for (const json::value& item : object.at(key).as_array()) out.emplace_back(item.as_string());
    return out;
}

std::optional<Seconds> seconds_of(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return std::nullopt;
    return Seconds{value->as_int64()};
}

template <class T, class Read>
Result<T> parse(std::string_view text, Read read) {
    try {
        const json::value value = json::parse(json::string_view(text.data(), text.size()));
        return read(value.as_object());
    } catch (const std::exception& e) {
        return fail(ErrorCode::internal,
                    std::string("a stored version is unreadable: ") + e.what());
    }
}

Spec read_spec(const json::object& object) {
    Spec spec;
    if (object.contains("image")) spec.image = text_of(object, "image");
    spec.code.bucket = text_of(object, "bucket");
    spec.code.key = text_of(object, "key");
    spec.code.version_id = text_of(object, "versionId");
    spec.python = text_of(object, "python");
    if (object.contains("node")) spec.node = text_of(object, "node");
    spec.entry_point = list_of(object, "entryPoint");
    for (const auto& [name, value] : object.at("environment").as_object())
        spec.environment.emplace(name, std::string(value.as_string()));
    spec.idle_timeout = seconds_of(object, "idleTimeout");
    spec.lifetime_max = seconds_of(object, "lifetimeMax");
    spec.header_allowlist = list_of(object, "headers");
    // Versions stored before roles counted have none.
    if (object.contains("role")) spec.role_arn = text_of(object, "role");
    if (object.contains("protocol"))
        spec.protocol = protocol_from(text_of(object, "protocol")).value();
    if (object.contains("storage")) spec.storage_paths = list_of(object, "storage");
    if (object.contains("vpc")) spec.network = NetworkMode::vpc;
    if (object.contains("authorizer")) spec.authorizer = text_of(object, "authorizer");
    return spec;
}

BuiltVersion read_built(const json::object& object) {
    BuiltVersion built;
    built.code_folder = text_of(object, "code");
    built.overlay_folder = text_of(object, "overlay");
    built.packages_folder = text_of(object, "packages");
    built.interpreter = text_of(object, "interpreter");
    built.command = list_of(object, "command");
    if (object.contains("imageRoot")) {
        built.image_root = text_of(object, "imageRoot");
        built.image_environment = list_of(object, "imageEnvironment");
        built.image_folder = text_of(object, "imageFolder");
        if (object.contains("imageUser"))
            built.image_user = {.uid = object.at("imageUser").to_number<std::uint32_t>(),
                                .gid = object.at("imageGroup").to_number<std::uint32_t>()};
    }
    return built;
}

}  // namespace

std::string to_text(const Spec& spec) {
    json::object environment;
    for (const auto& [name, value] : spec.environment) environment[name] = value;
    json::object object{{"bucket", spec.code.bucket},
                        {"key", spec.code.key},
                        {"versionId", spec.code.version_id},
                        {"python", spec.python},
                        {"entryPoint", from_list(spec.entry_point)},
                        {"environment", std::move(environment)},
                        {"headers", from_list(spec.header_allowlist)},
                        {"role", spec.role_arn}};
    if (spec.protocol != ServerProtocol::http) object["protocol"] = to_string(spec.protocol);
    if (!spec.node.empty()) object["node"] = spec.node;
    if (!spec.image.empty()) object["image"] = spec.image;
    if (!spec.storage_paths.empty()) object["storage"] = from_list(spec.storage_paths);
    if (spec.network == NetworkMode::vpc) object["vpc"] = true;
    if (!spec.authorizer.empty()) object["authorizer"] = spec.authorizer;
    if (spec.idle_timeout) object["idleTimeout"] = spec.idle_timeout->count();
    if (spec.lifetime_max) object["lifetimeMax"] = spec.lifetime_max->count();
    return json::serialize(object);
}

Result<Spec> spec_from_text(std::string_view text) {
    return parse<Spec>(text, read_spec);
}

std::string to_text(const BuiltVersion& built) {
    json::object object{{"code", built.code_folder},
                        {"overlay", built.overlay_folder},
                        {"packages", built.packages_folder},
                        {"interpreter", built.interpreter},
                        {"command", from_list(built.command)}};
    if (!built.image_root.empty()) {
        object["imageRoot"] = built.image_root;
        object["imageEnvironment"] = from_list(built.image_environment);
        object["imageFolder"] = built.image_folder;
        object["imageUser"] = built.image_user.uid;
        object["imageGroup"] = built.image_user.gid;
    }
    return json::serialize(object);
}

Result<BuiltVersion> built_from_text(std::string_view text) {
    return parse<BuiltVersion>(text, read_built);
}

}  // namespace ac::runtime
