// Becomes the process of a snapshot: `thaw FD BASE_FD [ARGUMENT...]` (BASE_FD is -1 for none).
// Jumped to in a process that was thawed already, as "stay/0", it keeps what is the same
// (stay.cpp). A static program without a library, linked to an address that nobody else uses: it
// unmaps all but itself, maps the snapshot's regions privately, restores what the kernel keeps
// about a thread, and jumps. It runs inside a guest's containment, as its command: what the file
// says can do no more than the guest's own code could, so nothing in it is trusted and little is
// checked.
#include "sandbox/snapshot/thaw.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/mman.h>
#include <linux/prctl.h>

extern "C" void* memcpy(void* to, const void* from, unsigned long size);

namespace ac::sandbox::snapshot {
namespace {

constexpr unsigned long kTextsMax = 256 << 10;  // of arguments and environment

char texts[kTextsMax];
unsigned long own_stack[4096];
char page_copy[kPage];
char maps[256 << 10];

// Of "/proc/self/fd/3", as which we are started: the descriptor.
const char* last_part(const char* path) {
    const char* part = path;
    for (; *path != 0; ++path)
        if (*path == '/') part = path + 1;
    return part;
}

bool is_vdso(const char* line, const char* end) {
    for (; line + 2 < end; ++line)
        if (line[0] == '[' && line[1] == 'v') return line[2] == 'v' || line[2] == 'd';
    return false;
}

constexpr int kPartsMax = 1024;
Span parts[kPartsMax];  // struct iovec: where, how much

// Copies a vector of texts to `texts`, from `at` on.
unsigned long keep(char** from, unsigned long at, unsigned& count) {
    for (count = 0; from[count] != nullptr; ++count)
        for (const char* c = from[count];; ++c) {
            if (at >= kTextsMax) give_up("thaw: arguments are too long\n");
            texts[at++] = *c;
            if (*c == 0) break;
        }
    return at;
}

}  // namespace

int find_vdso(Span* out, const char** text) {
    const long file = call(__NR_open, reinterpret_cast<long>("/proc/self/maps"), 0);
    long size = 0;
    while (size < static_cast<long>(sizeof maps) - 1) {
        const long n = call(__NR_read, file, reinterpret_cast<long>(maps) + size,
                            static_cast<long>(sizeof maps) - 1 - size);
        if (n <= 0) break;
        size += n;
    }
    call(__NR_close, file);
    maps[size] = 0;
    *text = maps;
    int found = 0;
    for (const char* line = maps; line < maps + size;) {
        const char* end = line;
        while (end < maps + size && *end != '\n') ++end;
        const char* c = line;
        const unsigned long start = hexadecimal(c);
        ++c;
        const unsigned long stop = hexadecimal(c);
        if (found < kVdsoSpans && is_vdso(c, end)) out[found++] = {start, stop - start};
        line = end + 1;
    }
    return found;
}

void map_region(const Region& region, int file, int base) {
    long flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
    long from = file;
    if (region.content == Content::nothing) flags |= MAP_ANONYMOUS;
    if (region.content == Content::nothing) from = -1;
    if (region.content == Content::base) from = base;
    const long mapped =
        call(__NR_mmap, static_cast<long>(region.start), static_cast<long>(region.size),
             region.protection, flags, from, static_cast<long>(region.offset));
    if (failed(mapped)) give_up("thaw: a region cannot be mapped\n");
}

// Many in one call.
void copy_pieces(const Header& header, int file) {
    const Span* const pieces = pieces_of(header);
    auto offset = static_cast<long>(header.pieces_offset);
    for (std::uint64_t i = 0; i < header.pieces;) {
        int count = 0;
        long bytes = 0;
        for (; count < kPartsMax && i < header.pieces; ++count, ++i) {
            parts[count] = pieces[i];
            bytes += static_cast<long>(pieces[i].size);
        }
        const long n = call(__NR_preadv, file, reinterpret_cast<long>(parts), count, offset, 0);
        if (n != bytes) give_up("thaw: pages cannot be copied\n");
        offset += bytes;
    }
}

namespace {

void move(const Span& from, unsigned long to) {
    const long moved =
        call(__NR_mremap, static_cast<long>(from.start), static_cast<long>(from.size),
             static_cast<long>(from.size), MREMAP_MAYMOVE | MREMAP_FIXED, static_cast<long>(to));
    if (failed(moved)) give_up("thaw: the vdso cannot be moved\n");
}

// What the kernel cannot do of it (before 5.14) is done page by page later.
void copy_eagerly(const Header& header) {
    constexpr long kPopulateWrite = 23;  // MADV_POPULATE_WRITE
    const Span* const spans = eager_of(header);
    for (unsigned long i = 0; i < header.eager && i < kEagerMax; ++i)
        call(__NR_madvise, static_cast<long>(spans[i].start), static_cast<long>(spans[i].size),
             kPopulateWrite);
}

// Both from low to high, so that no span overwrites the next one while they move.
void exchange_address_space(const Header& header, int file, int base) {
    Span own[kVdsoSpans];
    const char* text = nullptr;
    const int spans = find_vdso(own, &text);
    for (int i = 0; i < spans; ++i) {
        if (own[i].size != header.vdso[i].size) give_up("thaw: another kernel's snapshot\n");
        move(own[i], kThawScratch + own[i].start - own[0].start);
    }
    call(__NR_munmap, 0, static_cast<long>(kThawStart));
    call(__NR_munmap, static_cast<long>(kThawEnd), static_cast<long>(kTop - kThawEnd));
    for (unsigned i = 0; i < header.regions; ++i) map_region(regions_of(header)[i], file, base);
    copy_eagerly(header);
    copy_pieces(header, file);
    for (int i = 0; i < spans; ++i)
        move({kThawScratch + own[i].start - own[0].start, own[i].size}, header.vdso[i].start);
}

// struct prctl_mm_map: the kernel's notion of heap, arguments and stack. Without it the process
// does as well: its memory then grows elsewhere.
void describe_process(const Header& header, bool stayed) {
    struct {
        ProcessMap map;
        std::uint64_t auxv;
        std::uint32_t auxv_size;
        std::uint32_t exe;
    } wanted{header.map, 0, 0, ~0U};
    call(__NR_prctl, PR_SET_MM, PR_SET_MM_MAP, reinterpret_cast<long>(&wanted), sizeof wanted);
    // /proc/self/cmdline shows only memory that is mapped from no file.
    for (std::uint64_t at = header.map.arg_start & ~(kPage - 1); at < header.map.env_end && !stayed;
         at += kPage) {
        void* const page = reinterpret_cast<void*>(at);
        memcpy(page_copy, page, kPage);
        call(__NR_mmap, static_cast<long>(at), kPage, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        memcpy(page, page_copy, kPage);
    }
    call(__NR_prctl, PR_SET_NAME, reinterpret_cast<long>(header.name));
}

void restore_thread(const Header& header) {
    call(__NR_arch_prctl, ARCH_SET_FS, static_cast<long>(header.fs_base));
    const long tid = call(__NR_set_tid_address, static_cast<long>(header.tid_address));
    *reinterpret_cast<int*>(header.tid_address) = static_cast<int>(tid);
    if (header.robust_list != 0)
        call(__NR_set_robust_list, static_cast<long>(header.robust_list), 24);
    if (header.rseq_address != 0)
        call(__NR_rseq, static_cast<long>(header.rseq_address), header.rseq_size, 0,
             header.rseq_signature);
    for (int i = 0; i < kSignals; ++i)
        call(__NR_rt_sigaction, i + 1, reinterpret_cast<long>(&header.signals[i]), 0, 8);
    call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, reinterpret_cast<long>(&header.signal_mask), 0,
         8);
}

[[noreturn]] void go_on(const Registers* registers) {
    asm volatile(
        "mov 0(%0), %%rbx\n mov 8(%0), %%rbp\n mov 16(%0), %%r12\n mov 24(%0), %%r13\n"
        "mov 32(%0), %%r14\n mov 40(%0), %%r15\n mov 48(%0), %%rsp\n mov 56(%0), %%rdx\n"
        "ldmxcsr 64(%0)\n fldcw 68(%0)\n mov $1, %%eax\n jmp *%%rdx\n"
        :
        : "D"(registers)
        : "memory");
    __builtin_unreachable();
}

}  // namespace
}  // namespace ac::sandbox::snapshot

extern "C" [[noreturn]] [[gnu::used]] void thaw_main(unsigned long* stack) {
    using namespace ac::sandbox::snapshot;
    const auto argc = static_cast<int>(stack[0]);
    char** const argv = reinterpret_cast<char**>(stack + 1);
    if (argc < 3) give_up("thaw: which snapshot?\n");
    const int program = number(last_part(argv[0]));
    const int file = number(argv[1]);
    const int base = number(argv[2]);
    const bool stays = argv[0][0] == 's';
    Arrival arrival;
    arrival.arguments = reinterpret_cast<std::uint64_t>(texts);
    const unsigned long half = keep(argv + 3, 0, arrival.argument_count);
    arrival.size = keep(argv + argc + 1, half, arrival.environment_count);

    constexpr long kTableBytes = kThawScratch - kThawTable;
    const long table = call(__NR_mmap, static_cast<long>(kThawTable), kTableBytes, PROT_READ,
                            MAP_PRIVATE | MAP_FIXED, file, 0);
    const auto& header = *reinterpret_cast<const Header*>(kThawTable);
    if (failed(table) || header.magic != kMagic || header.regions > kRegionsMax ||
        header.eager > kEagerMax || header.pieces > kPiecesMax)
        give_up("thaw: that is no snapshot\n");
    if ((header.has_base != 0) != (base >= 0)) give_up("thaw: the snapshot's base?\n");
    if (!stays || !stay(header, file, base)) exchange_address_space(header, file, base);
    describe_process(header, stays);
    restore_thread(header);
    *reinterpret_cast<Arrival*>(header.arrival) = arrival;
    const int descriptors[] = {program, file, base};
    for (const int used : descriptors)
        if (used > 2) call(__NR_close, used);
    go_on(&header.registers);
}

extern "C" [[gnu::used]] unsigned long* const thaw_stack_end =
    ac::sandbox::snapshot::own_stack + 4094;

// The stack we are given goes with all the rest.
asm(R"(
.globl _start
_start:
    mov %rsp, %rdi
    mov thaw_stack_end(%rip), %rsp
    call thaw_main
)");

extern "C" void* memcpy(void* to, const void* from, unsigned long size) {
    for (unsigned long i = 0; i < size; ++i)
        static_cast<volatile char*>(to)[i] = static_cast<const char*>(from)[i];
    return to;
}
extern "C" void* memset(void* to, int value, unsigned long size) {
    for (unsigned long i = 0; i < size; ++i)
        static_cast<volatile char*>(to)[i] = static_cast<char>(value);
    return to;
}
