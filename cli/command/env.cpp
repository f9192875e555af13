#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/client_variables.h"
#include "cli/command/shell.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

json::object document_of(const Variables& variables) {
    json::object out;
    for (const auto& [name, value] : variables) {
        if (value)
            out[name] = *value;
        else
            out[name] = nullptr;
    }
    return out;
}

std::string script_of(const Variables& variables) {
    std::string out;
    for (const auto& [name, value] : variables)
        out += value ? fmt::format("export {}={}\n", name, shell_quoted(*value))
                     : fmt::format("unset {}\n", name);
    return out;
}

}  // namespace

Expected<> run(const Context& context, const EnvOptions& options) {
    AC_TRY(const Connection connection, connect(context.world, context.common, options.region));
    Variables variables = client_variables(context.world, connection);
    if (options.transparent) {
        AC_TRY(variables, transparent_variables(context.world, connection));
    }
    context.console().out(context.common.json ? json::serialize(document_of(variables)) + "\n"
                                              : script_of(variables));
    return {};
}

}  // namespace ac::cli
