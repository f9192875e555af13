#include "cli/project/naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

#include "base/encoding.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameMax = 48;
constexpr std::array<std::string_view, 6> kEntrypoints = {"main.py", "agent.py", "app.py",
                                                          "main.ts", "agent.ts", "main.js"};
constexpr std::array<std::string_view, 6> kRuntimes = {"PYTHON_3_10", "PYTHON_3_11", "PYTHON_3_12",
                                                       "PYTHON_3_13", "PYTHON_3_14", "NODE_22"};
constexpr std::array<std::string_view, 4> kProtocols = {"HTTP", "MCP", "A2A", "AGUI"};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

std::string to_upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
}

// A name that says nothing about the agent; its folder's name says more.
bool is_generic(std::string_view stem) {
    return stem == "main" || stem == "agent" || stem == "app" || stem == "index";
}

bool is_within(const fs::path& path, const fs::path& folder) {
    const auto relative = path.lexically_relative(folder);
    return !relative.empty() && *relative.begin() != "..";
}

Expected<SourceLayout> locate_in_folder(const fs::path& folder) {
    std::error_code error;
    for (const auto name : kEntrypoints)
        if (fs::is_regular_file(folder / name, error)) return SourceLayout{folder, name};
    std::vector<std::string> programs;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const auto runs = entry.status(error).permissions() & fs::perms::owner_exec;
        if (runs != fs::perms::none && is_program(entry.path()))
            programs.push_back(entry.path().filename());
    }
    if (programs.size() == 1) return SourceLayout{folder, programs.front()};
    if (programs.size() > 1)
        return failed(ExitCode::usage,
                      fmt::format("{} holds {} programs", folder.string(), programs.size()),
                      "Name the one: agentcore configure -e FOLDER/PROGRAM deploys it alone; leave "
                      "only one executable to deploy it with its folder.");
    return failed(
        ExitCode::not_found,
        fmt::format("no entry point in {}: looked for main.py, agent.py, app.py and a program",
                    folder.string()),
        "Name the file: agentcore configure -e your_agent.py");
}

}  // namespace

bool is_program(const fs::path& path) {
    constexpr std::size_t kMagicBytes = 4;
    std::array<char, kMagicBytes> head{};
    std::ifstream file(path, std::ios::binary);
    file.read(head.data(), head.size());
    std::error_code error;
    return file && fs::is_regular_file(path, error) &&
           std::string_view(head.data(), head.size()) ==
               "\x7f"
               "ELF";
}

bool is_agent_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameMax && is_letter(name.front()) &&
           std::ranges::all_of(name, is_word);
}

std::string sanitise_agent_name(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_word(c))
            out += c;
        else if (!out.empty() && out.back() != '_')
            out += '_';
    }
    while (!out.empty() && out.back() == '_') out.pop_back();
    if (std::ranges::none_of(out, [](char c) { return c != '_'; })) return {};
    if (!is_letter(out.front())) out = "agent_" + out.substr(out.front() == '_' ? 1 : 0);
    return out.substr(0, kNameMax);
}

Expected<SourceLayout> locate_entrypoint(const fs::path& folder, const fs::path& given) {
    std::error_code error;
    const fs::path path = (folder / given).lexically_normal();
    if (fs::is_directory(path, error)) {
        const auto text = path.string();  // a trailing slash would make an empty last element
        return locate_in_folder(text.size() > 1 && text.ends_with('/')
                                    ? fs::path(text.substr(0, text.size() - 1))
                                    : path);
    }
    if (!fs::exists(path, error))
        return failed(ExitCode::not_found,
                      fmt::format("entry point {} does not exist", given.string()),
                      "Name a file that exists: agentcore configure -e agent.py");
    if (!fs::is_regular_file(path, error))
        return failed(ExitCode::usage, fmt::format("{} is not a file", given.string()));
    if (is_program(path)) return SourceLayout{path.parent_path(), path.filename(), true};
    // Imports are usually relative to where the user stands, so that folder is packed whenever the
    // file lies in it.
    if (is_within(path, folder)) return SourceLayout{folder, path.lexically_relative(folder)};
    return SourceLayout{path.parent_path(), path.filename()};
}

std::string infer_agent_name(const SourceLayout& layout) {
    const std::string stem = layout.entrypoint.stem().string();
    if (!is_generic(stem))
        if (auto name = sanitise_agent_name(stem); !name.empty()) return name;
    const fs::path home = (layout.source / layout.entrypoint).parent_path();
    if (auto name = sanitise_agent_name(home.filename().string()); !name.empty()) return name;
    if (auto name = sanitise_agent_name(stem); !name.empty()) return name;
    return "agent";
}

std::optional<fs::path> find_requirements(const fs::path& source) {
    std::error_code error;
    for (const auto* name : {"requirements.txt", "pyproject.toml", "package.json"})
        if (fs::is_regular_file(source / name, error)) return source / name;
    return std::nullopt;
}

std::optional<std::string> canonical_runtime(std::string_view text) {
    std::string wanted = to_upper(trim(text));
    std::ranges::replace(wanted, '.', '_');
    std::ranges::replace(wanted, '-', '_');
    if (wanted.starts_with("3_")) wanted = "PYTHON_" + wanted;
    if (wanted.starts_with("PYTHON3_")) wanted = "PYTHON_" + wanted.substr(6);
    if (wanted == "NODE" || wanted == "NODE22") wanted = "NODE_22";
    if (std::ranges::find(kRuntimes, wanted) == kRuntimes.end()) return std::nullopt;
    return wanted;
}

std::string default_runtime(const fs::path& entrypoint) {
    const auto suffix = entrypoint.extension();
    return suffix == ".ts" || suffix == ".js" || suffix == ".mjs" ? "NODE_22" : "PYTHON_3_11";
}

std::optional<std::string> canonical_protocol(std::string_view text) {
    const std::string wanted = to_upper(trim(text));
    if (std::ranges::find(kProtocols, wanted) == kProtocols.end()) return std::nullopt;
    return wanted;
}

std::string first_invocation(std::string_view protocol) {
    std::string_view payload = R"({"prompt": "Hello"})";
    if (protocol == "MCP") {
        payload = R"({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})";
    } else if (protocol == "A2A") {
        payload =
            R"({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": )"
            R"({"messageId": "1", "role": "user", "parts": [{"kind": "text", "text": "Hello"}]}}})";
    } else if (protocol == "AGUI") {
        payload = R"({"threadId": "1", "runId": "1", "state": {}, "tools": [], "context": [], )"
                  R"("forwardedProps": {}, "messages": )"
                  R"([{"id": "1", "role": "user", "content": "Hello"}]})";
    }
    return "agentcore invoke '" + std::string(payload) + "'";
}

bool is_region(std::string_view text) {
    const auto dashes = std::ranges::count(text, '-');
    const bool plain = std::ranges::all_of(
        text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    return plain && dashes >= 2 && text.size() <= 32 && is_letter(text.front()) &&
           text.back() >= '0' && text.back() <= '9' && text.find("--") == std::string_view::npos;
}

}  // namespace ac::cli
