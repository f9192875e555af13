#pragma once
// Which pages of a process are its own: neither absent nor a file's. PAGEMAP_SCAN (Linux 6.7,
// pagemap.rst) tells spans of them at once; linux/fs.h has it only since then.

#include <cstdint>

namespace ac::sandbox::snapshot {

struct PageRange {
    std::uint64_t start, end, categories;
};

// struct pm_scan_arg.
struct PageScan {
    std::uint64_t size, flags, start, end, walk_end, ranges, ranges_max, pages_max;
    std::uint64_t inverted, mask, any_of, told;
};
inline constexpr unsigned long kPagemapScan = 0xc060'6610;  // _IOWR('f', 16, struct pm_scan_arg)
inline constexpr std::uint64_t kPageOfFile = 1 << 2;
inline constexpr std::uint64_t kPagePresent = 1 << 3;
inline constexpr std::uint64_t kPageSwapped = 1 << 4;

inline PageScan own_pages(std::uint64_t start, std::uint64_t end, PageRange* ranges,
                          std::uint64_t ranges_max) {
    PageScan scan{};
    scan.size = sizeof scan;
    scan.start = start;
    scan.end = end;
    scan.ranges = reinterpret_cast<std::uint64_t>(ranges);
    scan.ranges_max = ranges_max;
    scan.inverted = scan.mask = kPageOfFile;
    scan.any_of = scan.told = kPagePresent | kPageSwapped;
    return scan;
}

}  // namespace ac::sandbox::snapshot
