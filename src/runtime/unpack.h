#pragma once
// Unpacks a zip that a stranger made. Only regular files and folders come out, only below the
// target folder, never more than the limits allow; anything else refuses the whole archive.
// Blocking: for the thread pool.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/limits.h"

namespace ac::runtime {

struct Unpacked {
    std::size_t files = 0;
    std::uint64_t bytes = 0;
};

// The normal form of an entry's name ("a/b.py"; empty for the root itself). invalid_argument: it is
// absolute, climbs, holds control characters or backslashes, is no UTF-8, or is too long or deep.
Result<std::string> entry_path(std::string_view name, const RuntimeLimits& limits);

// The first bytes of the entry with that name, at most `bytes_max`; empty: the archive has none, or
// is none.
std::string head_of_entry(const std::filesystem::path& archive, std::string_view path,
                          std::size_t bytes_max, const RuntimeLimits& limits);

// `target` must exist and be empty; what has been written stays there when it fails.
// invalid_argument: not a zip, or one that is refused (the message says why); too_large;
// unavailable (disk full).
Result<Unpacked> unpack_zip(const std::filesystem::path& archive,
                            const std::filesystem::path& target, const RuntimeLimits& limits);

}  // namespace ac::runtime
