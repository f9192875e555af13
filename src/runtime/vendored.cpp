#include "runtime/vendored.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>

#include "base/encoding.h"
#include "base/file.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMetadataBytesMax = 4 << 20;  // RECORD of the largest packages is below 2 MB

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == text.npos) return parts;
        text.remove_prefix(at + 1);
    }
}

// Values of "Key: value" lines up to the first empty line.
std::vector<std::string> fields_of(std::string_view text, std::string_view key) {
    std::vector<std::string> values;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) break;
        const auto colon = line.find(':');
        if (colon != line.npos && equals_ignoring_case(line.substr(0, colon), key))
            values.emplace_back(trim(line.substr(colon + 1)));
    }
    return values;
}

bool python_fits(std::string_view python, std::string_view abi, int minor) {
    if (python == "py3") return true;
    if (!python.starts_with("cp3") && !python.starts_with("py3")) return false;
    int built_for = 0;
    const std::string_view digits = python.substr(3);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), built_for);
    if (error != std::errc() || end != digits.data() + digits.size()) return false;
    if (abi == "abi3" || python.starts_with("py3") || abi == "none") return built_for <= minor;
    return built_for == minor;
}

bool platform_fits(std::string_view platform, std::string_view machine) {
    if (platform == "any") return true;
    if (platform.starts_with("musllinux")) return false;  // the interpreters here use glibc
    const bool is_linux = platform.starts_with("manylinux") || platform.starts_with("linux");
    return is_linux && platform.ends_with("_" + std::string(machine));
}

bool is_shared_object(const fs::path& path) {
    const std::string name = path.filename();
    return name.ends_with(".so") || name.find(".so.") != std::string::npos;
}

struct Package {
    VendoredPackage found;
    std::vector<std::string> files;  // of RECORD, shared objects only
};

Package read_package(const fs::path& folder, const Platform& platform) {
    Package package;
    const auto metadata = read_file(folder / "METADATA", kMetadataBytesMax);
    if (metadata) {
        const auto names = fields_of(*metadata, "Name");
        const auto versions = fields_of(*metadata, "Version");
        if (!names.empty()) package.found.name = normalized_package_name(names.front());
        if (!versions.empty()) package.found.version = versions.front();
    }
    if (const auto wheel = read_file(folder / "WHEEL", kMetadataBytesMax)) {
        const auto tags = fields_of(*wheel, "Tag");
        const auto fits = [&](const std::string& tag) { return tag_fits(tag, platform); };
        package.found.fits = tags.empty() || std::ranges::any_of(tags, fits);
    }
    if (const auto record = read_file(folder / "RECORD", kMetadataBytesMax)) {
        for (const std::string_view line : split(*record, '\n')) {
            const std::string path(line.substr(0, line.find(',')));
            if (is_shared_object(path)) package.files.push_back(path);
        }
    }
    return package;
}

}  // namespace

std::optional<std::string> machine_of_file(const fs::path& path) {
    std::array<char, 64> head{};
    std::ifstream file(path, std::ios::binary);
    file.read(head.data(), head.size());
    return elf_machine(std::span(head).first(static_cast<std::size_t>(file.gcount())));
}

bool Vendored::contains(std::string_view name) const {
    return std::ranges::any_of(packages, [&](const auto& package) { return package.name == name; });
}

std::string normalized_package_name(std::string_view name) {
    std::string out;
    for (const char c : to_lower(name)) {
        const bool separator = c == '-' || c == '_' || c == '.';
        if (separator && out.ends_with('-')) continue;
        out += separator ? '-' : c;
    }
    return out;
}

bool tag_fits(std::string_view tag, const Platform& platform) {
    const auto parts = split(tag, '-');
    if (parts.size() != 3) return false;
    // Compressed tag sets: "py2.py3-none-any" stands for each combination.
    for (const std::string_view python : split(parts[0], '.')) {
        for (const std::string_view abi : split(parts[1], '.')) {
            for (const std::string_view machine : split(parts[2], '.')) {
                if (python_fits(python, abi, platform.python_minor) &&
                    platform_fits(machine, platform.machine))
                    return true;
            }
        }
    }
    return false;
}

std::optional<std::string> elf_machine(std::span<const char> head) {
    if (head.size() < 20 || !std::equal(head.begin(), head.begin() + SELFMAG, ELFMAG))
        return std::nullopt;
    const bool little = head[EI_DATA] == ELFDATA2LSB;
    const auto low = static_cast<unsigned char>(head[little ? 18 : 19]);
    const auto high = static_cast<unsigned char>(head[little ? 19 : 18]);
    switch (low | (high << 8)) {
        case EM_X86_64:
            return "x86_64";
        case EM_AARCH64:
            return "aarch64";
        default:
            return "";
    }
}

Result<Vendored> scan_vendored(const fs::path& folder, const Platform& platform) {
    std::vector<Package> packages;
    std::map<std::string, std::size_t> owner_of;  // shared object -> package
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (!entry.is_directory() || entry.path().extension() != ".dist-info") continue;
        Package package = read_package(entry.path(), platform);
        if (package.found.name.empty()) continue;
        for (const std::string& file : package.files) owner_of[file] = packages.size();
        packages.push_back(std::move(package));
    }
    if (error) return fail(ErrorCode::unavailable, "cannot read the unpacked archive");

    Vendored vendored;
    for (auto it = fs::recursive_directory_iterator(folder, error);
         it != fs::recursive_directory_iterator(); it.increment(error)) {
        if (error) return fail(ErrorCode::unavailable, "cannot read the unpacked archive");
        if (!it->is_regular_file() || !is_shared_object(it->path())) continue;
        const auto machine = machine_of_file(it->path());
        if (!machine || *machine == platform.machine) continue;
        const std::string path = it->path().lexically_relative(folder);
        const auto owner = owner_of.find(path);
        if (owner != owner_of.end())
            packages[owner->second].found.fits = false;
        else
            vendored.foreign_objects.push_back(path);
    }
    for (Package& package : packages) vendored.packages.push_back(std::move(package.found));
    std::ranges::sort(vendored.packages, {}, &VendoredPackage::name);
    return vendored;
}

}  // namespace ac::runtime
