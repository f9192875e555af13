// Which memory a process has, and where it is to be had: in the snapshot, in its base, or nowhere.
#include "sandbox/snapshot/freeze.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ac::sandbox::snapshot {
namespace {

// Fewer pages than this between two that are written are written too: a mapping costs more.
constexpr std::uint64_t kGapMax = 4 * kPage;
constexpr std::uint64_t kPresent = 3ULL << 62;  // in memory or swapped out (pagemap.rst)
constexpr std::uint64_t kOfFile = 1ULL << 61;
constexpr std::uint64_t kUserEnd = 0x7fff'ffff'f000;

struct Mapping {
    std::uint64_t start, end, offset, inode;
    std::uint64_t device;
    std::uint32_t protection;
    bool is_shared;
    const char* name;
};

void add(Work& work, Region region, bool may_join) {
    std::uint32_t& count = work.header.regions;
    Region* const last = count > 0 ? &work.regions[count - 1] : nullptr;
    if (may_join && region.content == Content::own && count > 1 && last->content != Content::own &&
        last->size <= kGapMax && last->start + last->size == region.start) {
        Region& before = work.regions[count - 2];
        if (before.content == Content::own && before.start + before.size == last->start) {
            before.size += last->size + region.size;
            --count;
            return;
        }
    }
    if (last != nullptr && last->content == region.content &&
        last->protection == region.protection && last->start + last->size == region.start &&
        (region.content != Content::base || last->offset + last->size == region.offset)) {
        last->size += region.size;
        return;
    }
    if (count == kRegionsMax) {
        work.full = true;
        return;
    }
    work.regions[count++] = region;
}

void add_piece(Work& work, std::uint64_t start, std::uint64_t size) {
    std::uint64_t& count = work.header.pieces;
    Span* const last = count > 0 ? &work.pieces[count - 1] : nullptr;
    if (last != nullptr && last->start + last->size == start) {
        last->size += size;
    } else if (count == kPiecesMax) {
        work.full = true;
    } else {
        work.pieces[count++] = {start, size};
    }
}

// All at once, for most of what it takes is the calls. False: the kernel cannot, or there are more.
bool scan_pages(Work& work) {
    PageScan scan = own_pages(0, kUserEnd, work.ranges, kRangesMax);
    const int n = ioctl(work.page_map, kPagemapScan, &scan);
    if (n < 0 || n == kRangesMax) return false;
    work.range_count = static_cast<std::uint32_t>(n);
    return true;
}

// Of memory that is written to, own pages are pieces; of other memory, regions between the rest.
void add_by_ranges(Work& work, const Mapping& mapping, bool of_base) {
    const bool in_pieces = (mapping.protection & PROT_WRITE) != 0;
    const Content rest = of_base ? Content::base : Content::nothing;
    const auto add_rest = [&](std::uint64_t start, std::uint64_t end) {
        const std::uint64_t offset = of_base ? mapping.offset + (start - mapping.start) : 0;
        if (start < end)
            add(work, {start, end - start, offset, mapping.protection, rest},
                start != mapping.start);
    };
    if (in_pieces) add_rest(mapping.start, mapping.end);
    std::uint64_t at = mapping.start;
    std::uint32_t& i = work.range_index;
    while (i < work.range_count && work.ranges[i].end <= at) ++i;
    for (; i < work.range_count && work.ranges[i].start < mapping.end; ++i) {
        const PageRange& range = work.ranges[i];
        const std::uint64_t start = range.start > at ? range.start : at;
        const std::uint64_t end = range.end < mapping.end ? range.end : mapping.end;
        if (in_pieces) {
            add_piece(work, start, end - start);
        } else {
            add_rest(at, start);
            add(work, {start, end - start, 0, mapping.protection, Content::own},
                start != mapping.start);
        }
        at = end;
        if (range.end > mapping.end) break;  // it goes on in the next mapping
    }
    if (!in_pieces) add_rest(at, mapping.end);
}

// Anonymous memory: pages that are there. Memory mapped from the base: pages that were written to.
void add_by_pages(Work& work, const Mapping& mapping, bool of_base) {
    bool first = true;
    for (std::uint64_t at = mapping.start; at < mapping.end;) {
        const std::uint64_t left = (mapping.end - at) / kPage;
        const std::uint64_t want = left < kEntries ? left : kEntries;
        const ssize_t n =
            pread(work.page_map, work.pages, want * 8, static_cast<off_t>(at / kPage * 8));
        if (n <= 0) {
            work.full = true;
            return;
        }
        for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(n) / 8; ++i, at += kPage) {
            const bool present = (work.pages[i] & kPresent) != 0;
            const bool own = present && (work.pages[i] & kOfFile) == 0;
            Region region{at, kPage, 0, mapping.protection, Content::nothing};
            if (own) region.content = Content::own;
            if (!own && of_base) region.content = Content::base;
            if (!own && of_base) region.offset = mapping.offset + (at - mapping.start);
            add(work, region, !first);
            first = false;
        }
    }
}

void add_mapping(Work& work, const Mapping& mapping) {
    if (mapping.start >= kThawStart && mapping.end <= kThawEnd) return;
    if (strcmp(mapping.name, "[vsyscall]") == 0) return;
    const std::uint64_t size = mapping.end - mapping.start;
    if ((mapping.protection & PROT_READ) == 0)
        return add(work, {mapping.start, size, 0, mapping.protection, Content::nothing}, false);
    const bool of_base = mapping.inode != 0 && mapping.inode == work.base_inode &&
                         mapping.device == work.base_device && !mapping.is_shared;
    const bool is_plain = of_base || (mapping.inode == 0 && !mapping.is_shared);
    if (is_plain && work.has_ranges) return add_by_ranges(work, mapping, of_base);
    if (is_plain) return add_by_pages(work, mapping, of_base);
    // The parts of a library that nobody writes to, code or not, become one mapping: each costs
    // every process that is thawed, and each of their forks.
    std::uint32_t protection = mapping.protection;
    if ((protection & PROT_WRITE) == 0) protection = PROT_READ | PROT_EXEC;
    add(work, {mapping.start, size, 0, protection, Content::own}, false);
}

// proc(5): "start-end perms offset major:minor inode    name".
bool parse(char* line, Mapping& out) {
    char permissions[5] = {};
    unsigned major = 0;
    unsigned minor = 0;
    int name = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &out.start, &out.end, permissions, &out.offset,
               &major, &minor, &out.inode, &name) < 7)
        return false;
    out.device = static_cast<std::uint64_t>(major) << 32 | minor;
    out.protection = (permissions[0] == 'r' ? PROT_READ : 0U) |
                     (permissions[1] == 'w' ? PROT_WRITE : 0U) |
                     (permissions[2] == 'x' ? PROT_EXEC : 0U);
    out.is_shared = permissions[3] == 's';
    out.name = line + name;
    return true;
}

bool read_maps(Work& work) {
    const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    std::uint64_t size = 0;
    ssize_t n = 0;
    while (size < kMapsBytesMax - 1 &&
           (n = read(file, work.maps + size, kMapsBytesMax - 1 - size)) > 0)
        size += static_cast<std::uint64_t>(n);
    close(file);
    work.maps[size] = 0;
    return n == 0;
}

bool list_regions(Work& work) {
    const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    const auto scratch = reinterpret_cast<std::uint64_t>(&work);
    std::uint64_t last_end = 0;
    int spans = 0;
    for (char* line = work.maps; *line != 0;) {
        char* const end = strchr(line, '\n');
        if (end == nullptr) return false;
        *end = 0;
        Mapping mapping{};
        if (!parse(line, mapping)) return false;
        line = end + 1;
        if (mapping.start <= scratch && scratch < mapping.end) continue;
        if (strncmp(mapping.name, "[vvar", 5) == 0 || strcmp(mapping.name, "[vdso]") == 0) {
            if (spans == kVdsoSpans) return false;
            work.header.vdso[spans++] = {mapping.start, mapping.end - mapping.start};
            continue;
        }
        if (mapping.start <= here && here < mapping.end) {  // room for the stack to grow
            const std::uint64_t top = mapping.end - kStackBytes;
            const std::uint64_t floor = top > last_end ? top : last_end + kPage;
            if (floor < mapping.start)
                add(work, {floor, mapping.start - floor, 0, mapping.protection, Content::nothing},
                    false);
        }
        add_mapping(work, mapping);
        last_end = mapping.end;
    }
    return !work.full;
}

}  // namespace

bool list_memory(Work& work) {
    work.has_ranges = work.header.has_base != 0 && scan_pages(work);
    return read_maps(work) && list_regions(work);
}

}  // namespace ac::sandbox::snapshot
