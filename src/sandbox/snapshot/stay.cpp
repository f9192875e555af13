// Part of the thawing program: what a process that was thawed from the same base has already is not
// mapped and copied again. Afterwards its memory is the snapshot's to the byte, whatever it was.
#include <asm/unistd.h>
#include <linux/mman.h>

#include "sandbox/snapshot/pages.h"
#include "sandbox/snapshot/thaw.h"

namespace ac::sandbox::snapshot {
namespace {

// A line of /proc/self/maps.
struct Place {
    unsigned long start, end, offset, inode;
    unsigned protection, major, minor;
    bool is_private;
};
constexpr int kPlacesMax = 4096;
constexpr int kRangesMax = 4096;
Place places[kPlacesMax];
PageRange ranges[kRangesMax];

// proc(5): "start-end perms offset major:minor inode    name".
Place parsed(const char* c) {
    Place place{};
    place.start = hexadecimal(c);
    place.end = hexadecimal(++c);
    ++c;
    place.protection = (c[0] == 'r' ? PROT_READ : 0U) | (c[1] == 'w' ? PROT_WRITE : 0U) |
                       (c[2] == 'x' ? PROT_EXEC : 0U);
    place.is_private = c[3] == 'p';
    place.offset = hexadecimal(c += 5);
    place.major = static_cast<unsigned>(hexadecimal(++c));
    place.minor = static_cast<unsigned>(hexadecimal(++c));
    place.inode = static_cast<unsigned long>(number(++c));
    return place;
}

// How many there are; -1: too many.
int list_places(const char* maps) {
    int count = 0;
    for (const char* line = maps; *line != 0; ++line) {
        if (count == kPlacesMax) return -1;
        places[count++] = parsed(line);
        while (*line != 0 && *line != '\n') ++line;
        if (*line == 0) return -1;
    }
    return count;
}

// The base as /proc/self/maps would name it.
bool identify(int file, Place& out) {
    unsigned long status[18];  // struct stat: device and inode come first
    if (failed(call(__NR_fstat, file, reinterpret_cast<long>(status)))) return false;
    out.major = static_cast<unsigned>(status[0] >> 8 & 0xfff);
    out.minor = static_cast<unsigned>((status[0] & 0xff) | (status[0] >> 12 & 0xfff00));
    out.inode = status[1];
    return true;
}

bool is_there(const Region& region, const Place* place, const Place* end, const Place& base) {
    if (region.content == Content::own) return false;
    const bool of_base = region.content == Content::base;
    for (unsigned long at = region.start; at < region.start + region.size; at = place++->end) {
        if (place == end || place->start > at || !place->is_private ||
            place->protection != region.protection)
            return false;
        if (!of_base && place->inode != 0) return false;
        if (of_base && (place->inode != base.inode || place->major != base.major ||
                        place->minor != base.minor ||
                        place->offset + (at - place->start) != region.offset + (at - region.start)))
            return false;
    }
    return true;
}

// What is neither the snapshot's nor ours.
void unmap(const Header& header, const Place& place, unsigned long start, unsigned long end) {
    if (start < place.start) start = place.start;
    if (end > place.end) end = place.end;
    if (start >= end || (start >= kThawStart && end <= kThawEnd) || start >= kTop) return;
    for (const Span& span : header.vdso)
        if (start >= span.start && end <= span.start + span.size) return;
    call(__NR_munmap, static_cast<long>(start), static_cast<long>(end - start));
}

void match_regions(const Header& header, int count, const Place& base, int file, int base_file) {
    const Region* const regions = regions_of(header);
    const Place* place = places;
    const Place* const end = places + count;
    unsigned long last_end = 0;
    for (unsigned i = 0; i <= header.regions; ++i) {
        const unsigned long start = i < header.regions ? regions[i].start : kTop;
        for (const Place* p = place; p != end && p->start < start; ++p)
            unmap(header, *p, last_end, start);
        while (place != end && place->end <= start) ++place;
        if (i == header.regions) return;
        if (!is_there(regions[i], place, end, base)) map_region(regions[i], file, base_file);
        last_end = start + regions[i].size;
    }
}

// Pages that were written to here and not there: they are the base's again, or nothing.
bool drop_pages(const Header& header, int page_map, unsigned long at, unsigned long end) {
    const Span* piece = pieces_of(header);
    const Span* const last = piece + header.pieces;
    while (at < end) {
        PageScan scan = own_pages(at, end, ranges, kRangesMax);
        const long n = call(__NR_ioctl, page_map, static_cast<long>(kPagemapScan),
                            reinterpret_cast<long>(&scan));
        if (failed(n)) return false;
        for (long i = 0; i < n; ++i)
            for (unsigned long from = ranges[i].start; from < ranges[i].end;) {
                while (piece != last && piece->start + piece->size <= from) ++piece;
                unsigned long to = ranges[i].end;
                if (piece != last && piece->start <= from) {
                    from = piece->start + piece->size;
                    continue;
                }
                if (piece != last && piece->start < to) to = piece->start;
                call(__NR_madvise, static_cast<long>(from), static_cast<long>(to - from),
                     MADV_DONTNEED);
                from = to;
            }
        // Linux tells where it stopped only if there was no more room.
        at = n < kRangesMax ? end : scan.walk_end;
    }
    return true;
}

}  // namespace

bool stay(const Header& header, int file, int base_file) {
    Span own[kVdsoSpans];
    const char* maps = nullptr;
    const int spans = find_vdso(own, &maps);
    for (int i = 0; i < spans; ++i)
        if (own[i].start != header.vdso[i].start || own[i].size != header.vdso[i].size)
            return false;
    Place base{};
    const int count = list_places(maps);
    const long page_map = call(__NR_open, reinterpret_cast<long>("/proc/self/pagemap"), 0);
    PageScan probe = own_pages(kThawStart, kThawStart + kPage, ranges, kRangesMax);
    const bool can = count > 0 && base_file >= 0 && identify(base_file, base) &&
                     !failed(page_map) &&
                     !failed(call(__NR_ioctl, page_map, static_cast<long>(kPagemapScan),
                                  reinterpret_cast<long>(&probe)));
    if (can) {
        match_regions(header, count, base, file, base_file);
        if (!drop_pages(header, static_cast<int>(page_map), 0, kThawStart) ||
            !drop_pages(header, static_cast<int>(page_map), kThawEnd, kTop))
            give_up("thaw: pages cannot be found\n");
        copy_pieces(header, file);
    }
    if (!failed(page_map)) call(__NR_close, page_map);
    return can;
}

}  // namespace ac::sandbox::snapshot
