#pragma once
// A snapshot: the memory and registers of one process, in a file that other processes map privately
// and go on from, so that what they do not write to is shared. freeze.cpp writes it from inside the
// process, thaw.cpp becomes it. x86-64 Linux. Freestanding: no library is used here.
//
// The file: Header, then Header::regions of Region, Header::eager of Span and Header::pieces of
// Span, then whole pages. A snapshot may build on another (its base): then it holds only pages that
// differ, and most of them as pieces, which are copied over what is mapped: a mapping costs more.

#include <cstdint>

namespace ac::sandbox::snapshot {

inline constexpr std::uint64_t kMagic = 0x315a4e5246434127ULL;
inline constexpr std::uint32_t kRegionsMax = 32'768;  // of 65 530 mappings that a process may have
inline constexpr std::uint32_t kEagerMax = 16'384;
inline constexpr std::uint32_t kPiecesMax = 163'840;
inline constexpr std::uint64_t kPage = 4096;

// Where the thawing program lives, which no process uses otherwise: it cannot unmap itself.
inline constexpr std::uint64_t kThawStart = 0x1000'0000'0000ULL;
inline constexpr std::uint64_t kThawTable = kThawStart + 0x0100'0000ULL;    // the file's head
inline constexpr std::uint64_t kThawScratch = kThawStart + 0x0200'0000ULL;  // the vdso meanwhile
inline constexpr std::uint64_t kThawEnd = kThawStart + 0x0300'0000ULL;
// What a main thread's stack may grow to.
inline constexpr std::uint64_t kStackBytes = 8 << 20;

enum class Content : std::uint32_t {
    nothing,  // zero pages, or reserved
    own,      // at `offset` of this file
    base,     // at `offset` of the base's
};

struct Region {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    std::uint32_t protection = 0;  // PROT_*
    Content content = Content::nothing;
};

// What a call preserves (System V ABI); snapshot_save() and thaw.cpp know the offsets.
struct Registers {
    std::uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
    std::uint32_t mxcsr;
    std::uint32_t x87_control;
};

// struct sigaction of the kernel.
struct SignalAction {
    std::uint64_t handler, flags, restorer, mask;
};
inline constexpr int kSignals = 64;

struct Span {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
};
inline constexpr int kVdsoSpans = 4;  // [vvar], [vvar_vclock], [vdso]

// Of struct prctl_mm_map, in its order up to env_end.
struct ProcessMap {
    std::uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
    std::uint64_t arg_start, arg_end, env_start, env_end;
};

// Where the thawed process finds what it was started with.
struct Arrival {
    std::uint64_t arguments = 0;  // `count` texts, each ended by NUL; then environment the same
    std::uint64_t size = 0;
    std::uint32_t argument_count = 0;
    std::uint32_t environment_count = 0;
};

struct Header {
    std::uint64_t magic;
    std::uint32_t regions;
    std::uint32_t has_base;
    Registers registers;
    std::uint64_t fs_base;
    std::uint64_t tid_address;
    std::uint64_t robust_list;
    std::uint64_t rseq_address;
    std::uint32_t rseq_size;
    std::uint32_t rseq_signature;
    std::uint64_t signal_mask;
    std::uint64_t arrival;  // address of its Arrival
    std::uint64_t eager;    // memory that is written to soon: copied at once, which costs less
    std::uint64_t pieces;   // one behind the other at pieces_offset of the file
    std::uint64_t pieces_offset;
    SignalAction signals[kSignals];
    Span vdso[kVdsoSpans];
    ProcessMap map;
    char name[16];
};

}  // namespace ac::sandbox::snapshot
