#include "embedded/model_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.h"
#include "crypto/hash.h"

namespace ac::embedded {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kRegistryBytesMax = 1 << 20;
constexpr std::size_t kNameMax = 128;
constexpr const char* kRegistry = "registry.json";

fs::path path_of(const fs::path& folder, const std::string& name) {
    return folder / (name + ".gguf");
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

std::string hash_of(Bytes bytes) {
    Hasher hasher;
    hasher.update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return hasher.finish_hex();
}

std::unexpected<Error> no_such(const std::string& name) {
    return fail(ErrorCode::not_found,
                fmt::format("no model {}; agentcore models list names them", name));
}

}  // namespace

std::string model_name_of(const fs::path& file) {
    return file.extension() == ".gguf" ? file.stem().string() : file.filename().string();
}

bool is_model_name(std::string_view name) {
    const auto is_fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !name.empty() && name.size() <= kNameMax && name.front() != '.' && name.front() != '-' &&
           std::ranges::all_of(name, is_fine);
}

fs::path find_installed_models(const fs::path& program_folder) {
    std::error_code error;
    for (const char* const place : {"../share/agentcored/models", "../../models"}) {
        const fs::path folder = (program_folder / place).lexically_normal();
        if (fs::is_directory(folder / "xllamacpp", error)) return folder;
    }
    return {};
}

std::vector<StoredModel> ModelStore::installed_models() const {
    std::vector<StoredModel> out;
    std::error_code error;
    if (installed_.empty()) return out;
    for (const auto& entry : fs::directory_iterator(installed_ / "chat", error)) {
        if (entry.path().extension() != ".gguf") continue;
        out.push_back({.name = model_name_of(entry.path()),
                       .path = entry.path(),
                       .bytes = entry.file_size(error),
                       .is_installed = true});
    }
    std::ranges::sort(out, {}, &StoredModel::name);
    return out;
}

Result<ModelStore::Registry> ModelStore::read() const {
    Registry registry;
    const auto text = read_file(folder_ / kRegistry, kRegistryBytesMax);
    if (!text && text.error().code == ErrorCode::not_found) return registry;
    if (!text) return fail(text.error());
    boost::system::error_code error;
    const json::value parsed = json::parse(*text, error);
    const json::object* const object = error ? nullptr : parsed.if_object();
    const json::value* const list = object != nullptr ? object->if_contains("models") : nullptr;
    if (list == nullptr || !list->is_array())
        return fail(ErrorCode::unavailable,
                    fmt::format("{} is damaged", (folder_ / kRegistry).string()));
    registry.chosen = text_of(*object, "default");
    for (const json::value& item : list->get_array()) {
        if (!item.is_object()) continue;
        const json::object& model = item.get_object();
        StoredModel stored{.name = text_of(model, "name"),
                           .sha256 = text_of(model, "sha256"),
                           .architecture = text_of(model, "architecture"),
                           .title = text_of(model, "title")};
        if (!is_model_name(stored.name)) continue;
        stored.path = path_of(folder_, stored.name);
        std::error_code absent;
        stored.bytes = fs::file_size(stored.path, absent);
        if (!absent) registry.models.push_back(std::move(stored));
    }
    return registry;
}

Result<> ModelStore::write(const Registry& registry) const {
    json::array list;
    for (const StoredModel& model : registry.models)
        list.push_back({{"name", model.name},
                        {"sha256", model.sha256},
                        {"architecture", model.architecture},
                        {"title", model.title}});
    const json::object object = {{"default", registry.chosen}, {"models", std::move(list)}};
    constexpr unsigned kReadable = 0644;
    return write_file(folder_ / kRegistry, json::serialize(object) + "\n", kReadable);
}

Result<std::vector<StoredModel>> ModelStore::list() const {
    AC_TRY(Registry registry, read());
    std::vector<StoredModel> out = installed_models();
    for (StoredModel& model : registry.models) {
        std::erase_if(out, [&](const StoredModel& other) { return other.name == model.name; });
        out.push_back(std::move(model));
    }
    std::ranges::sort(out, {}, &StoredModel::name);
    auto chosen = std::ranges::find(out, registry.chosen, &StoredModel::name);
    if (chosen == out.end()) chosen = std::ranges::find(out, true, &StoredModel::is_installed);
    if (chosen != out.end()) chosen->is_default = true;
    return out;
}

Result<StoredModel> ModelStore::chosen() const {
    AC_TRY(auto all, list());
    const auto found = std::ranges::find(all, true, &StoredModel::is_default);
    if (found != all.end()) return std::move(*found);
    return fail(ErrorCode::not_found,
                "no embedded chat model is installed: run ./dev setup in the source tree, or "
                "agentcore models add FILE.gguf");
}

Result<StoredModel> ModelStore::add(const fs::path& file, std::string name) {
    if (name.empty()) name = model_name_of(file);
    if (!is_model_name(name))
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} is no name of a model: letters, digits, '-', '_', '.'", name));
    AC_TRY(Registry registry, read());
    if (std::ranges::find(registry.models, name, &StoredModel::name) != registry.models.end())
        return fail(ErrorCode::conflict, fmt::format("there is a model {} already", name));
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error)
        return fail(ErrorCode::unavailable,
                    fmt::format("cannot make {}: {}", folder_.string(), error.message()));
    // The copy is what is checked, so that nothing can change in between.
    const fs::path partial = folder_ / (name + ".partial");
    fs::copy_file(file, partial, fs::copy_options::overwrite_existing, error);
    if (error)
        return fail(ErrorCode::not_found,
                    fmt::format("cannot copy {}: {}", file.string(), error.message()));
    auto mapped = MappedFile::open(partial);
    auto head = mapped ? parse_gguf((*mapped)->bytes()) : Result<GgufHead>(fail(mapped.error()));
    if (head && !head->is_generative())
        head = fail(ErrorCode::invalid_argument,
                    fmt::format("{} is a model of kind {}, which writes no text", file.string(),
                                head->architecture));
    if (!head) {
        fs::remove(partial, error);
        return fail(head.error());
    }
    StoredModel model{.name = name,
                      .path = path_of(folder_, name),
                      .bytes = (*mapped)->bytes().size(),
                      .sha256 = hash_of((*mapped)->bytes()),
                      .architecture = head->architecture,
                      .title = head->name};
    fs::permissions(partial, fs::perms(0644), error);
    fs::rename(partial, model.path, error);
    if (error) return fail(ErrorCode::unavailable, error.message());
    if (registry.models.empty() && registry.chosen.empty()) registry.chosen = name;
    model.is_default = registry.chosen == name;
    registry.models.push_back(model);
    AC_CHECK(write(registry));
    return model;
}

Result<> ModelStore::remove(const std::string& name) {
    AC_TRY(Registry registry, read());
    const auto found = std::ranges::find(registry.models, name, &StoredModel::name);
    if (found == registry.models.end()) {
        const auto installed = installed_models();
        if (std::ranges::find(installed, name, &StoredModel::name) != installed.end())
            return fail(ErrorCode::invalid_argument,
                        fmt::format("{} came with the installation and stays", name));
        return no_such(name);
    }
    const fs::path path = found->path;
    registry.models.erase(found);
    if (registry.chosen == name) registry.chosen.clear();
    AC_CHECK(write(registry));
    std::error_code error;
    fs::remove(path, error);
    return {};
}

Result<> ModelStore::set_default(const std::string& name) {
    AC_TRY(const auto all, list());
    if (std::ranges::find(all, name, &StoredModel::name) == all.end()) return no_such(name);
    AC_TRY(Registry registry, read());
    registry.chosen = name;
    std::error_code error;
    fs::create_directories(folder_, error);
    return write(registry);
}

}  // namespace ac::embedded
