#include "cli/man_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/describe_options.h"
#include "cli/version.h"

namespace ac::cli {
namespace {

// Text that troff prints as it is: hyphens stay hyphens, and no line becomes a request.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}

std::string bold(std::string_view text) {
    return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(std::string_view text) {
    return "\\fI" + escaped(text) + "\\fR";
}

// "--session-id" takes a SESSION-ID.
std::string value_of(const ManOption& option) {
    std::string name = option.names.back();
    name.erase(0, name.find_first_not_of('-'));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    return name;
}

std::string synopsis(const ManPage& page) {
    std::string line = bold(page.path);
    const bool has_flags = std::ranges::any_of(
        page.options, [](const ManOption& option) { return !option.is_positional(); });
    if (has_flags) line += " [" + italic("OPTION") + "]...";
    for (const ManOption& option : page.options) {
        if (!option.is_positional()) continue;
        const std::string value = italic(value_of(option)) + (option.is_list ? "..." : "");
        line += option.is_required ? " " + value : " [" + value + "]";
    }
    if (page.commands.empty()) return line;
    return line + (page.wants_command ? " " + italic("COMMAND") : " [" + italic("COMMAND") + "]");
}

std::string item(const ManOption& option) {
    std::string head;
    if (option.is_positional()) {
        head = italic(value_of(option));
    } else {
        for (const std::string& name : option.names)
            head += (head.empty() ? "" : ", ") + bold(name);
        if (option.takes_value) head += " " + italic(value_of(option));
    }
    return fmt::format(".TP\n{}\n{}\n", head, escaped(option.description));
}

}  // namespace

std::string ManPage::name() const {
    std::string out = path;
    std::ranges::replace(out, ' ', '-');
    return out;
}

std::string to_roff(const ManPage& page) {
    std::string title = page.name();
    std::ranges::transform(title, title.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    std::string out = fmt::format(
        ".TH {} 1 \"\" \"agentcore {}\" \"agentcored\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}\n",
        escaped(title), kVersion, escaped(page.name()), escaped(page.summary), synopsis(page));
    if (!page.options.empty()) out += ".SH OPTIONS\n";
    for (const ManOption& option : page.options) out += item(option);
    if (!page.commands.empty()) out += ".SH COMMANDS\n";
    for (const ManCommand& command : page.commands)
        out += fmt::format(".TP\n{}\n{}\n", bold(command.name), escaped(command.summary));
    out += fmt::format(".SH EXIT STATUS\n{}\n", escaped(kFooter));
    if (page.commands.empty() && page.path.find(' ') == page.path.npos) return out;
    std::string others;
    for (const ManCommand& command : page.commands)
        others += fmt::format("{}{}(1)", others.empty() ? "" : ", ",
                              bold(page.name() + "-" + command.name));
    if (const auto end = page.path.rfind(' '); end != page.path.npos) {
        const ManPage parent{.path = page.path.substr(0, end), .summary = {}};
        others = bold(parent.name()) + "(1)" + (others.empty() ? "" : ", " + others);
    }
    return out + fmt::format(".SH SEE ALSO\n{}\n", others);
}

Expected<std::string> man_text(const std::vector<ManPage>& pages,
                               const std::vector<std::string>& command) {
    std::string path = "agentcore";
    for (const std::string& word : command) path += " " + word;
    const auto found = std::ranges::find(pages, path, &ManPage::path);
    if (found == pages.end())
        return failed(ExitCode::usage, fmt::format("there is no command `{}`", path),
                      "See `agentcore --help`.");
    return to_roff(*found);
}

}  // namespace ac::cli
