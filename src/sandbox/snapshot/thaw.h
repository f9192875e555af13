#pragma once
// What the parts of the thawing program share. It has no library: system calls are made by hand.

#include <asm/unistd.h>

#include "sandbox/snapshot/format.h"

namespace ac::sandbox::snapshot {

inline constexpr long kFailed = 125;
inline constexpr unsigned long kTop = 0x7fff'ffff'f000UL;  // of user addresses, less a page

inline long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0,
                 long f = 0) {
    long result = 0;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

[[noreturn]] inline void give_up(const char* what) {
    long size = 0;
    while (what[size] != 0) ++size;
    call(__NR_write, 2, reinterpret_cast<long>(what), size);
    call(__NR_exit_group, kFailed);
    __builtin_unreachable();
}

inline bool failed(long result) {
    return result < 0 && result > -4096;
}

inline int number(const char* text) {
    const bool negative = *text == '-';
    int value = 0;
    for (text += negative ? 1 : 0; *text >= '0' && *text <= '9'; ++text)
        value = value * 10 + (*text - '0');
    return negative ? -value : value;
}

inline unsigned long hexadecimal(const char*& c) {
    unsigned long value = 0;
    for (;; ++c) {
        if (*c >= '0' && *c <= '9')
            value = value << 4 | static_cast<unsigned long>(*c - '0');
        else if (*c >= 'a' && *c <= 'f')
            value = value << 4 | static_cast<unsigned long>(*c - 'a' + 10);
        else
            return value;
    }
}

inline const Region* regions_of(const Header& header) {
    return reinterpret_cast<const Region*>(&header + 1);
}

inline const Span* eager_of(const Header& header) {
    return reinterpret_cast<const Span*>(regions_of(header) + header.regions);
}

inline const Span* pieces_of(const Header& header) {
    return eager_of(header) + header.eager;
}

// Our own [vvar...] and [vdso], in the order of addresses; how many. `maps` is /proc/self/maps.
int find_vdso(Span* out, const char** maps);
void map_region(const Region& region, int file, int base);
void copy_pieces(const Header& header, int file);
// Keeps what the process has of it. False: nothing was done, it takes a whole exchange.
bool stay(const Header& header, int file, int base);

}  // namespace ac::sandbox::snapshot
