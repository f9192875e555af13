#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/storable_text.h"
#include "cli/command/commands.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

int report(World& world, const Failure& failure, bool as_json) {
    if (failure.exit_status != 0) return failure.exit_status;
    if (as_json && !failure.has_document) {
        json::object error = {{"code", to_string(failure.code)},
                              {"message", to_storable_text(failure.message)}};
        if (!failure.next_step.empty()) error["nextStep"] = failure.next_step;
        world.console.out(json::serialize(json::object{{"error", std::move(error)}}) + "\n");
    }
    const bool colour = world.console.colour();
    world.console.err(
        fmt::format("{} {}\n", paint(colour, Colour::red, "agentcore:"), failure.message));
    if (!failure.next_step.empty())
        world.console.err(paint(colour, Colour::dim, failure.next_step) + "\n");
    return static_cast<int>(failure.code);
}

}  // namespace

int main_with(World& world, std::vector<std::string> arguments) {
    const bool as_json = std::ranges::find(arguments, "--json") != arguments.end();
    auto parsed = parse_arguments(std::move(arguments));
    if (!parsed) return report(world, parsed.error(), as_json);
    if (const auto* help = std::get_if<HelpText>(&*parsed)) {
        world.console.out(help->text);
        return 0;
    }
    const auto& line = std::get<CommandLine>(*parsed);
    const Context context{world, line.common};
    const auto done =
        std::visit([&](const auto& options) { return run(context, options); }, line.command);
    return done ? 0 : report(world, done.error(), line.common.json);
}

}  // namespace ac::cli
