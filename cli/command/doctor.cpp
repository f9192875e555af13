#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/checks.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

std::string_view word_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::good:
            return "ok";
        case Verdict::note:
            return "note";
        case Verdict::missing:
            return "missing";
    }
    return "missing";
}

Colour colour_of(Verdict verdict) {
    if (verdict == Verdict::good) return Colour::green;
    return verdict == Verdict::note ? Colour::yellow : Colour::red;
}

std::string text_of(const std::vector<Check>& checks, bool colour) {
    std::string out;
    std::string group;
    for (const auto& check : checks) {
        if (check.group != group) out += fmt::format("{}\n", check.group);
        group = check.group;
        const std::string word = fmt::format("{:<8}", word_of(check.verdict));
        out += fmt::format("  {} {:<18} {}\n", paint(colour, colour_of(check.verdict), word),
                           check.name, check.detail);
        if (!check.remedy.empty()) out += fmt::format("{:>30}mend: {}\n", "", check.remedy);
    }
    return out;
}

json::array json_of(const std::vector<Check>& checks) {
    json::array list;
    for (const auto& check : checks)
        list.push_back({{"group", check.group},
                        {"name", check.name},
                        {"status", word_of(check.verdict)},
                        {"detail", check.detail},
                        {"remedy", check.remedy}});
    return list;
}

}  // namespace

Expected<> run(const Context& context, const DoctorOptions&) {
    std::vector<Check> checks = check_host(context);
    for (auto part : {check_isolation, check_daemon, check_project})
        std::ranges::move(part(context), std::back_inserter(checks));
    const auto missing = std::ranges::count(checks, Verdict::missing, &Check::verdict);
    if (context.common.json) {
        const json::object out = {{"ok", missing == 0}, {"checks", json_of(checks)}};
        context.console().out(json::serialize(out) + "\n");
    } else {
        const bool colour = context.console().colour() && context.console().out_is_terminal();
        context.console().out(text_of(checks, colour));
    }
    if (missing == 0) return {};
    Failure failure(ExitCode::failed,
                    fmt::format("{} of {} checks need mending", missing, checks.size()));
    failure.has_document = true;
    return std::unexpected(std::move(failure));
}

}  // namespace ac::cli
