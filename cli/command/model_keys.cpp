// `agentcore models key ...`: keys for clients that cannot sign.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kKeys = "/x/model-keys";

Expected<json::value> call(const Context& context, Call what) {
    AC_TRY(const Connection connection, connect(context.world, context.common, ""));
    return connection.client->document(std::move(what));
}

}  // namespace

Expected<> run(const Context& context, const ModelKeyCreateOptions& options) {
    Call what{.method = "POST", .target = std::string(kKeys)};
    what.headers.add("Content-Type", "application/json");
    what.body = {.text = json::serialize(json::object{{"name", options.name}})};
    AC_TRY(const json::value made, call(context, std::move(what)));
    context.console().out(context.common.json ? json::serialize(made) + "\n"
                                              : text_at(made, "secret") + "\n");
    if (!context.common.json)
        context.console().err(fmt::format("{} ({}). The key is shown this once.\n",
                                          text_at(made, "id"), text_at(made, "name")));
    return {};
}

Expected<> run(const Context& context, const ModelKeyListOptions&) {
    AC_TRY(const json::value found, call(context, {.method = "GET", .target = std::string(kKeys)}));
    if (context.common.json) {
        context.console().out(json::serialize(found) + "\n");
        return {};
    }
    const auto* keys = member_at(found, "keys").if_array();
    if (!keys || keys->empty())
        context.console().out("No keys. `agentcore models key create NAME` makes one.\n");
    for (std::size_t i = 0; keys && i < keys->size(); ++i) {
        const json::value& key = (*keys)[i];
        context.console().out(fmt::format("{}  {}  {}  of {}\n", text_at(key, "id"),
                                          text_at(key, "createdAt"), text_at(key, "name"),
                                          text_at(key, "accessKeyId")));
    }
    return {};
}

Expected<> run(const Context& context, const ModelKeyDeleteOptions& options) {
    Call what{.method = "DELETE",
              .target = fmt::format("{}/{}", kKeys, percent_encode(options.id))};
    AC_CHECK(call(context, std::move(what)));
    context.console().out(context.common.json
                              ? json::serialize(json::object{{"deleted", options.id}}) + "\n"
                              : fmt::format("Deleted {}.\n", options.id));
    return {};
}

}  // namespace ac::cli
