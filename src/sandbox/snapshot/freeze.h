#pragma once
// What the parts of the freezing library share.

#include <stdint.h>

#include "sandbox/snapshot/format.h"
#include "sandbox/snapshot/pages.h"

namespace ac::sandbox::snapshot {

inline constexpr std::uint64_t kMapsBytesMax = 4 << 20;
inline constexpr std::uint64_t kEntries = 4096;  // pages whose state is read at a time
inline constexpr int kRangesMax = 65'536;

// Lives in a shared mapping of its own, which is not written: it changes meanwhile.
struct Work {
    Header header;
    Region regions[kRegionsMax];
    char maps[kMapsBytesMax];
    std::uint64_t pages[kEntries];
    PageRange ranges[kRangesMax];
    std::uint32_t range_count;
    std::uint32_t range_index;  // of the first that ends behind what has been added
    bool has_ranges;
    Span pieces[kPiecesMax];
    int image;
    int page_map;
    std::uint64_t base_device, base_inode;
    std::uint64_t next_offset;
    bool full;
};

// Fills regions, pieces and vdso of the header and the lists: what of this process is to be
// written. False: there is more than the lists hold.
bool list_memory(Work& work);

}  // namespace ac::sandbox::snapshot
