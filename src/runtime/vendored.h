#pragma once
// Packages that came inside the zip. The official toolkit vendors wheels built for aarch64; on
// another processor (or another Python) those with compiled parts cannot be loaded and have to be
// installed again, the same version, for this one.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::runtime {

// What a wheel must suit.
struct Platform {
    std::string machine;  // as uname says it: "x86_64"
    int python_minor = 11;
};

struct VendoredPackage {
    std::string name;  // normalized as in PEP 503
    std::string version;
    bool fits = true;
};

struct Vendored {
    std::vector<VendoredPackage> packages;
    // Shared objects for another processor that belong to no package known by its metadata.
    std::vector<std::string> foreign_objects;

    bool contains(std::string_view normalized_name) const;
};

// "My_Pkg.Name" -> "my-pkg-name" (PEP 503).
std::string normalized_package_name(std::string_view name);

// A wheel's tag, "cp311-cp311-manylinux_2_17_aarch64" (PEP 425).
bool tag_fits(std::string_view tag, const Platform& platform);

// The processor an ELF file is for, as uname says it; "" for one we do not know; nullopt: not ELF.
std::optional<std::string> elf_machine(std::span<const char> head);

// The same of a file; blocking.
std::optional<std::string> machine_of_file(const std::filesystem::path& path);

// Looks through an unpacked archive. Blocking: for the thread pool.
Result<Vendored> scan_vendored(const std::filesystem::path& folder, const Platform& platform);

}  // namespace ac::runtime
