#include "oci/manifest.h"

#include <algorithm>
#include <boost/json.hpp>

#include "oci/reference.h"

namespace ac::oci {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kBlobBytesMax = 16ULL << 30;
constexpr std::size_t kListMax = 4096;

std::unexpected<Error> wrong(std::string_view what) {
    return fail(ErrorCode::invalid_argument, "the image " + std::string(what));
}

Result<json::value> parse(std::string_view text, std::string_view what) {
    if (text.size() > kDocumentBytesMax)
        return wrong("has a " + std::string(what) + " of over 4 MB");
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 32;
    json::value value =
        json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error) return wrong("has a " + std::string(what) + " that is no JSON");
    return value;
}

const json::value* member(const json::value& value, std::string_view name) {
    const json::object* object = value.if_object();
    return object == nullptr ? nullptr : object->if_contains(name);
}

std::string text_in(const json::value& value, std::string_view name) {
    const json::value* found = member(value, name);
    if (found == nullptr || !found->is_string()) return {};
    return std::string(found->get_string());
}

const json::array* array_in(const json::value& value, std::string_view name) {
    const json::value* found = member(value, name);
    return found == nullptr ? nullptr : found->if_array();
}

// A list of texts, or null. A shell form ("CMD a b") has been made a list by whoever built it.
Result<std::vector<std::string>> texts_in(const json::value& value, std::string_view name) {
    std::vector<std::string> out;
    const json::value* found = member(value, name);
    if (found == nullptr || found->is_null()) return out;
    const json::array* list = found->if_array();
    if (list == nullptr || list->size() > kListMax)
        return wrong("says a " + std::string(name) + " that is no list of texts");
    for (const json::value& item : *list) {
        if (!item.is_string())
            return wrong("says a " + std::string(name) + " with a member that is no text");
        std::string text(item.get_string());
        if (text.find('\0') != text.npos)
            return wrong("has a NUL character in " + std::string(name));
        out.push_back(std::move(text));
    }
    return out;
}

Result<Descriptor> descriptor(const json::value& value) {
    Descriptor out{.media_type = text_in(value, "mediaType"), .digest = text_in(value, "digest")};
    if (!is_digest(out.digest)) return wrong("names a part by a digest that is not sha256's");
    const json::value* size = member(value, "size");
    boost::system::error_code error;
    if (size == nullptr || !size->is_number()) return wrong("has a part without a size");
    out.size = size->to_number<std::uint64_t>(error);
    if (error || out.size > kBlobBytesMax) return wrong("has a part of an impossible size");
    return out;
}

Result<Descriptor> choose(const json::array& manifests, std::string_view architecture) {
    std::string offered;
    for (const json::value& entry : manifests) {
        const json::value* platform = member(entry, "platform");
        // An index of one image needs no platform.
        if (platform == nullptr) {
            if (manifests.size() == 1) return descriptor(entry);
            continue;
        }
        const std::string os = text_in(*platform, "os");
        const std::string processor = text_in(*platform, "architecture");
        if (os == "linux" && processor == architecture) return descriptor(entry);
        if (os == "unknown") continue;  // an attestation
        if (offered.size() < 200) offered += (offered.empty() ? "" : ", ") + os + "/" + processor;
    }
    return wrong("is not made for linux/" + std::string(architecture) + ", only for " +
                 (offered.empty() ? "nothing" : offered));
}

}  // namespace

std::string_view architecture_of_host() {
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
#error "say this processor's name in Go's terms"
#endif
}

Result<ManifestOrChoice> parse_manifest(std::string_view text, std::string_view architecture) {
    AC_TRY(const json::value value, parse(text, "manifest"));
    ManifestOrChoice out;
    if (const json::array* manifests = array_in(value, "manifests")) {
        if (manifests->size() > kListMax) return wrong("has an index that is too long");
        AC_TRY(out.choice, choose(*manifests, architecture));
        return out;
    }
    const json::value* config = member(value, "config");
    const json::array* layers = array_in(value, "layers");
    if (config == nullptr || layers == nullptr)
        return wrong("has a manifest without config and layers (Docker's schema 1 is not read)");
    if (layers->empty() || layers->size() > kLayersMax)
        return wrong("has no layer, or more than " + std::to_string(kLayersMax));
    Manifest manifest;
    AC_TRY(manifest.config, descriptor(*config));
    for (const json::value& layer : *layers) {
        AC_TRY(Descriptor one, descriptor(layer));
        manifest.layers.push_back(std::move(one));
    }
    out.manifest = std::move(manifest);
    return out;
}

Result<ImageConfig> parse_config(std::string_view text) {
    AC_TRY(const json::value value, parse(text, "configuration"));
    ImageConfig out;
    out.architecture = text_in(value, "architecture");
    if (const std::string os = text_in(value, "os"); !os.empty() && os != "linux")
        return wrong("is for " + os.substr(0, 40) + ", not for linux");
    if (const json::value* rootfs = member(value, "rootfs")) {
        AC_TRY(out.diff_ids, texts_in(*rootfs, "diff_ids"));
    }
    const json::value* config = member(value, "config");
    if (config == nullptr || config->is_null()) return out;
    AC_TRY(out.entrypoint, texts_in(*config, "Entrypoint"));
    AC_TRY(out.command, texts_in(*config, "Cmd"));
    AC_TRY(out.environment, texts_in(*config, "Env"));
    out.user = text_in(*config, "User");
    out.folder = text_in(*config, "WorkingDir");
    if (out.folder.find('\0') != out.folder.npos) return wrong("has a NUL character in WorkingDir");
    return out;
}

Result<SavedImage> parse_saved(std::string_view text) {
    AC_TRY(const json::value value, parse(text, "manifest.json"));
    const json::array* images = value.if_array();
    if (images == nullptr || images->empty()) return wrong("archive holds no image");
    if (images->size() > 1)
        return wrong("archive holds " + std::to_string(images->size()) + " images; save one");
    SavedImage out{.config = text_in(images->front(), "Config"), .layers = {}};
    AC_TRY(out.layers, texts_in(images->front(), "Layers"));
    if (out.config.empty() || out.layers.empty() || out.layers.size() > kLayersMax)
        return wrong("archive names no configuration, no layer, or too many");
    return out;
}

}  // namespace ac::oci
