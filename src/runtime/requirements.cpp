#include "runtime/requirements.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"

namespace ac::runtime {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        // A comment starts at the beginning or after a space (pip's own rule).
        if (const auto hash = line.find(" #"); hash != line.npos) line = line.substr(0, hash);
        if (line.ends_with('\r')) line.remove_suffix(1);
        line = trim(line);
        if (!line.empty() && !line.starts_with('#')) lines.push_back(line);
    }
    return lines;
}

bool refers_to_file(std::string_view line) {
    return line.starts_with("-r") || line.starts_with("-c") || line.starts_with("-e") ||
           line.starts_with("--requirement") || line.starts_with("--constraint") ||
           line.starts_with("--editable") || line.starts_with("--find-links") ||
           line.starts_with('.') || line.starts_with('/') || line.ends_with(".whl") ||
           line.find("file:") != line.npos;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

}  // namespace

std::optional<Requirements> find_requirements(const std::filesystem::path& folder) {
    if (auto text = read_file(folder / "requirements.txt", kFileBytesMax)) {
        const auto lines = lines_of(*text);
        if (lines.empty()) return std::nullopt;
        return Requirements{.kind = Requirements::Kind::requirements_txt,
                            .file = "requirements.txt",
                            .text = *std::move(text),
                            .refers_to_files = std::ranges::any_of(lines, refers_to_file)};
    }
    auto text = read_file(folder / "pyproject.toml", kFileBytesMax);
    if (!text || text->find("dependencies") == std::string::npos) return std::nullopt;
    const bool refers = text->find("file:") != std::string::npos;
    return Requirements{.kind = Requirements::Kind::pyproject,
                        .file = "pyproject.toml",
                        .text = *std::move(text),
                        .refers_to_files = refers};
}

std::optional<std::vector<std::string>> required_names(std::string_view text) {
    std::vector<std::string> names;
    for (const std::string_view line : lines_of(text)) {
        const auto end = std::ranges::find_if_not(line, is_name_character);
        const std::string_view name(line.begin(), end);
        if (name.empty() || name.starts_with('-') || refers_to_file(line)) return std::nullopt;
        const std::string_view rest = trim(line.substr(name.size()));
        constexpr std::string_view kMayFollow = "[=<>~!;@";
        if (!rest.empty() && kMayFollow.find(rest.front()) == kMayFollow.npos) return std::nullopt;
        names.push_back(normalized_package_name(name));
    }
    return names;
}

bool is_vendored(const Requirements& requirements, const Vendored& vendored) {
    if (vendored.packages.empty()) return false;
    if (requirements.kind == Requirements::Kind::pyproject) return true;
    const auto names = required_names(requirements.text);
    return names && std::ranges::all_of(
                        *names, [&](const std::string& name) { return vendored.contains(name); });
}

std::string replacements(const Vendored& vendored) {
    std::string text;
    for (const VendoredPackage& package : vendored.packages)
        if (!package.fits) text += package.name + "==" + package.version + "\n";
    return text;
}

}  // namespace ac::runtime
