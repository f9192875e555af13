// `agentcore models ...`: the GGUF files in the data folder. The daemon reads the registry at the
// next request; nothing needs a restart.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/commands.h"
#include "cli/daemon/local_daemon.h"
#include "embedded/model_store.h"

namespace ac::cli {
namespace {

namespace json = boost::json;
using embedded::ModelStore;
using embedded::StoredModel;

Expected<ModelStore> open_store(const Context& context) {
    AC_TRY(const auto data_dir, data_dir_of(context.world, context.common.data_dir));
    return ModelStore(data_dir / "models",
                      embedded::find_installed_models(context.world.program.parent_path()));
}

json::object json_of(const StoredModel& model) {
    json::object out = {{"name", model.name},
                        {"bytes", model.bytes},
                        {"path", model.path.string()},
                        {"installed", model.is_installed},
                        {"default", model.is_default}};
    if (!model.sha256.empty()) out["sha256"] = model.sha256;
    if (!model.architecture.empty()) out["architecture"] = model.architecture;
    if (!model.title.empty()) out["title"] = model.title;
    return out;
}

std::string line_of(const StoredModel& model) {
    return fmt::format("{} {:<40} {:>6} MB  {}\n", model.is_default ? '*' : ' ', model.name,
                       model.bytes / 1'000'000,
                       model.is_installed ? "installed" : "sha256 " + model.sha256.substr(0, 12));
}

void say(const Context& context, const json::object& document, const std::string& text) {
    context.console().out(context.common.json ? json::serialize(document) + "\n" : text);
}

}  // namespace

Expected<> run(const Context& context, const ModelsListOptions&) {
    AC_TRY(const ModelStore store, open_store(context));
    AC_TRY(const auto models, store.list());
    json::array list;
    std::string text;
    for (const StoredModel& model : models) {
        list.push_back(json_of(model));
        text += line_of(model);
    }
    if (models.empty())
        text = "no models; ./dev setup installs one, agentcore models add another\n";
    say(context, {{"models", std::move(list)}}, text);
    return {};
}

Expected<> run(const Context& context, const ModelsAddOptions& options) {
    AC_TRY(ModelStore store, open_store(context));
    AC_TRY(StoredModel model, store.add(context.world.folder / options.file, options.name));
    if (options.make_default) {
        AC_CHECK(store.set_default(model.name));
        model.is_default = true;
    }
    say(context, json_of(model),
        fmt::format("added {} ({}, sha256 {}){}\n", model.name, model.architecture, model.sha256,
                    model.is_default ? "; it is the default now" : ""));
    return {};
}

Expected<> run(const Context& context, const ModelsRemoveOptions& options) {
    AC_TRY(ModelStore store, open_store(context));
    AC_CHECK(store.remove(options.name));
    say(context, {{"removed", options.name}}, fmt::format("removed {}\n", options.name));
    return {};
}

Expected<> run(const Context& context, const ModelsDefaultOptions& options) {
    AC_TRY(ModelStore store, open_store(context));
    AC_CHECK(store.set_default(options.name));
    say(context, {{"default", options.name}},
        fmt::format("{} answers from the next request on\n", options.name));
    return {};
}

}  // namespace ac::cli
