#include "server/container_images.h"

#include "oci/user.h"

namespace ac::server {
namespace {

constexpr std::string_view kBucketScheme = "s3://";

Result<runtime::Image> how_to_run(const oci::StoredImage& stored) {
    const oci::ImageConfig& config = stored.config;
    runtime::Image out{.root = stored.root.string(),
                       .command = config.entrypoint,
                       .environment = config.environment,
                       .folder = config.folder.starts_with('/') ? config.folder : "/"};
    out.command.insert(out.command.end(), config.command.begin(), config.command.end());
    if (out.command.empty() || out.command.front().empty())
        return fail(ErrorCode::invalid_argument,
                    "the image says no command: give it an ENTRYPOINT or CMD");
    AC_TRY(const oci::User user, oci::user_of_image(stored.root, config.user));
    out.user = {.uid = user.uid, .gid = user.gid};
    return out;
}

}  // namespace

ContainerImages::ContainerImages(Parts parts)
    : parts_(std::move(parts)), store_(parts_.pool, parts_.random, parts_.folder) {}

Result<std::unique_ptr<ContainerImages>> ContainerImages::open(Parts parts) {
    std::unique_ptr<ContainerImages> out(new ContainerImages(std::move(parts)));
    AC_CHECK(out->store_.prepare());
    return out;
}

Task<std::optional<oci::Credentials>> ContainerImages::credentials(std::string registry) {
    const auto found = parts_.registries.find(registry);
    if (found == parts_.registries.end() || found->second.password.empty())
        co_return std::optional<oci::Credentials>();
    const std::string key = found->second.password;
    auto password = co_await parts_.keys.key(key);
    if (!password) {
        Error error = std::move(password).error();
        error.message = "registries." + registry + ".password: " + error.message;
        co_return fail(std::move(error));
    }
    co_return std::optional(
        oci::Credentials{.user = found->second.user, .password = std::move(*password)});
}

Task<oci::StoredImage> ContainerImages::from_registry(std::string uri, oci::Note note) {
    AC_CO_TRY(const oci::Reference reference, oci::parse_reference(uri));
    oci::RegistryOptions options{
        .credentials = [this](std::string registry) { return credentials(std::move(registry)); },
        .is_plain =
            [this](const std::string& registry) {
                const auto found = parts_.registries.find(registry);
                return found != parts_.registries.end() && found->second.plain_http;
            }};
    const auto pull = oci::make_pull(parts_.outbound, parts_.clock, reference, std::move(options));
    const std::string version = reference.version();
    co_return co_await store_.from_registry(*pull, version, std::move(note));
}

Task<oci::StoredImage> ContainerImages::from_bucket(Scope scope, std::string uri, oci::Note note) {
    const std::string place = uri.substr(kBucketScheme.size());
    const auto slash = place.find('/');
    if (slash == place.npos || slash == 0 || slash + 1 == place.size())
        co_return fail(ErrorCode::invalid_argument, uri + ": want s3://bucket/key");
    runtime::ArtifactLocation location{
        .bucket = place.substr(0, slash), .key = place.substr(slash + 1), .version_id = {}};
    AC_CO_TRY(const runtime::ArtifactFile file,
              co_await parts_.artifacts.fetch(std::move(scope), std::move(location)));
    co_return co_await store_.from_archive(file.path, std::move(note));
}

Task<runtime::Image> ContainerImages::fetch(Scope scope, std::string uri,
                                            std::function<void(const std::string&)> note) {
    if (uri.starts_with(kBucketScheme)) {
        AC_CO_TRY(const oci::StoredImage stored,
                  co_await from_bucket(std::move(scope), std::move(uri), std::move(note)));
        co_return how_to_run(stored);
    }
    AC_CO_TRY(const oci::StoredImage stored,
              co_await from_registry(std::move(uri), std::move(note)));
    co_return how_to_run(stored);
}

}  // namespace ac::server
