// Writes the process that calls it to a snapshot. A shared object of its own, without a library of
// ours, that a template's program loads (Python: ctypes). The caller has just been forked, so it
// has one thread, and it ends when it has been told that it is written; in a process that thaw.cpp
// makes of the file, the same call returns again, with another answer.
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/snapshot/format.h"

using namespace ac::sandbox::snapshot;

extern "C" __attribute__((returns_twice)) int snapshot_save(Registers* registers);
asm(R"(
.text
.hidden snapshot_save
.globl snapshot_save
.type snapshot_save, @function
snapshot_save:
    mov %rbx, 0(%rdi)
    mov %rbp, 8(%rdi)
    mov %r12, 16(%rdi)
    mov %r13, 24(%rdi)
    mov %r14, 32(%rdi)
    mov %r15, 40(%rdi)
    lea 8(%rsp), %rdx
    mov %rdx, 48(%rdi)
    mov (%rsp), %rdx
    mov %rdx, 56(%rdi)
    stmxcsr 64(%rdi)
    fnstcw 68(%rdi)
    xor %eax, %eax
    ret
)");

namespace {

// Fewer pages than this between two that are written are written too: a mapping costs more.
constexpr std::uint64_t kGapMax = 4 * kPage;
constexpr std::uint64_t kMapsBytesMax = 4 << 20;
constexpr std::uint64_t kEntries = 4096;        // pages whose state is read at a time
constexpr std::uint64_t kPresent = 3ULL << 62;  // in memory or swapped out (pagemap.rst)
constexpr std::uint64_t kOfFile = 1ULL << 61;

Arrival arrival;
Span eager[kEagerMax];
std::uint32_t eager_count;

// Lives in a shared mapping of its own, which is not written: it changes meanwhile.
struct Work {
    Header header;
    Region regions[kRegionsMax];
    char maps[kMapsBytesMax];
    std::uint64_t pages[kEntries];
    int image;
    int page_map;
    std::uint64_t base_device, base_inode;
    std::uint64_t next_offset;
    bool full;
};

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
    if (of_base || (mapping.inode == 0 && !mapping.is_shared))
        return add_by_pages(work, mapping, of_base);
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

bool write_region(Work& work, Region& region) {
    region.offset = work.next_offset;
    work.next_offset += region.size;
    for (std::uint64_t done = 0; done < region.size;) {
        const ssize_t n = pwrite(work.image, reinterpret_cast<const void*>(region.start + done),
                                 region.size - done, static_cast<off_t>(region.offset + done));
        if (n > 0) {
            done += static_cast<std::uint64_t>(n);
        } else if (n < 0 && errno == EFAULT) {  // past the end of a mapped file
            done = (done / kPage + 1) * kPage;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool write_image(Work& work) {
    const std::uint64_t eager_at = sizeof(Header) + work.header.regions * sizeof(Region);
    const auto eager_bytes = static_cast<ssize_t>(eager_count * sizeof(Span));
    work.header.eager = eager_count;
    work.next_offset = (eager_at + eager_count * sizeof(Span) + kPage - 1) / kPage * kPage;
    for (std::uint32_t i = 0; i < work.header.regions; ++i)
        if (work.regions[i].content == Content::own && !write_region(work, work.regions[i]))
            return false;
    if (ftruncate(work.image, static_cast<off_t>(work.next_offset)) != 0) return false;
    const auto bytes = static_cast<ssize_t>(work.header.regions * sizeof(Region));
    return pwrite(work.image, work.regions, static_cast<std::size_t>(bytes), sizeof(Header)) ==
               bytes &&
           pwrite(work.image, eager, static_cast<std::size_t>(eager_bytes),
                  static_cast<off_t>(eager_at)) == eager_bytes &&
           pwrite(work.image, &work.header, sizeof work.header, 0) == sizeof work.header;
}

// proc(5), /proc/pid/stat: fields 26 to 28 and 45 to 51.
void describe_process(Header& header) {
    char text[2048] = {};
    const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    const ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    const char* rest = n > 0 ? strrchr(text, ')') : nullptr;
    if (rest == nullptr) return;
    std::uint64_t field[52] = {};
    char* next = const_cast<char*>(rest) + 4;  // ") S ", on to field 4
    for (int i = 4; i < 52; ++i) field[i] = strtoull(next, &next, 10);
    header.map = {field[26], field[27], field[45], field[46], field[47], 0,
                  field[28], field[48], field[49], field[50], field[51]};
    header.map.brk = static_cast<std::uint64_t>(syscall(SYS_brk, 0));
    prctl(PR_GET_NAME, header.name, 0, 0, 0);
}

bool describe_thread(Header& header) {
    int* tid_address = nullptr;
    if (prctl(PR_GET_TID_ADDRESS, &tid_address, 0, 0, 0) != 0 || tid_address == nullptr)
        return false;
    header.tid_address = reinterpret_cast<std::uint64_t>(tid_address);
    if (syscall(SYS_arch_prctl, ARCH_GET_FS, &header.fs_base) != 0) return false;
    std::uint64_t list = 0;
    std::uint64_t list_size = 0;
    if (syscall(SYS_get_robust_list, 0, &list, &list_size) == 0) header.robust_list = list;
    if (__rseq_size != 0) {
        header.rseq_address = header.fs_base + static_cast<std::uint64_t>(__rseq_offset);
        header.rseq_size = 32;  // what the kernel was told, whatever part of it is in use
        header.rseq_signature = RSEQ_SIG;
    }
    for (int i = 0; i < kSignals; ++i)
        syscall(SYS_rt_sigaction, i + 1, nullptr, &header.signals[i], 8);
    syscall(SYS_rt_sigprocmask, 0, nullptr, &header.signal_mask, 8);
    header.arrival = reinterpret_cast<std::uint64_t>(&arrival);
    return true;
}

int freeze(Work& work, int image, int base) {
    struct stat info{};
    if (base >= 0 && fstat(base, &info) != 0) return -errno;
    work.base_inode = base >= 0 ? info.st_ino : 0;
    work.base_device = static_cast<std::uint64_t>(major(info.st_dev)) << 32 | minor(info.st_dev);
    work.image = image;
    work.header.magic = kMagic;
    work.header.has_base = base >= 0;
    work.page_map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (work.page_map < 0) return -errno;
    describe_process(work.header);
    int result = 0;
    if (!describe_thread(work.header))
        result = -ENOSYS;
    else if (!read_maps(work) || !list_regions(work))
        result = -E2BIG;
    else if (!write_image(work))
        result = errno == 0 ? -EIO : -errno;
    close(work.page_map);
    return result;
}

}  // namespace

// 0: written to `image`; below 0: an errno, negative; 1: this is a process that was thawed of it.
// `base` is the snapshot that the caller itself was thawed from, or -1.
extern "C" int agentcored_freeze(int image, int base) {
    void* const memory =
        mmap(nullptr, sizeof(Work), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    Work& work = *static_cast<Work*>(memory);
    if (snapshot_save(&work.header.registers) != 0) return 1;
    const int result = freeze(work, image, base);
    munmap(memory, sizeof(Work));
    return result;
}

// What the thawed process was started with: texts, each ended by NUL, arguments and environment.
extern "C" const char* agentcored_arrival(std::uint64_t* size, std::uint32_t* arguments) {
    *size = arrival.size;
    *arguments = arrival.argument_count;
    return reinterpret_cast<const char*>(arrival.arguments);
}

// Memory of snapshots to come that thawed processes will write to soon. Ascending.
extern "C" void agentcored_expect_writes(const std::uint64_t* starts, const std::uint64_t* sizes,
                                         std::uint32_t count) {
    eager_count = count < kEagerMax ? count : kEagerMax;
    for (std::uint32_t i = 0; i < eager_count; ++i) eager[i] = {starts[i], sizes[i]};
}

// Until new processes get ids of `least` and more.
extern "C" void agentcored_spend_process_ids(int least) {
    for (int attempt = 0; attempt < least; ++attempt) {
        const pid_t pid = vfork();
        if (pid == 0) _exit(0);
        if (pid < 0) return;
        waitpid(pid, nullptr, 0);
        if (pid >= least) return;
    }
}
