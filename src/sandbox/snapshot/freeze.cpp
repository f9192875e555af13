// Writes the process that calls it to a snapshot. A shared object of its own, without a library of
// ours, that a template's program loads (Python: ctypes). The caller has one thread. In a process
// that thaw.cpp makes of the file, the same call returns again, with another answer.
#include "sandbox/snapshot/freeze.h"

#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

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

constexpr int kPartsMax = 1024;  // of one call (IOV_MAX)
// What the kernel was told, whatever part of it is in use.
constexpr std::uint32_t kRseqBytes = 32;

Arrival arrival;
Span eager[kEagerMax];
std::uint32_t eager_count;

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

// Many in one call. What another thread has unmapped meanwhile cannot be written.
bool write_pieces(Work& work) {
    iovec parts[kPartsMax];
    work.header.pieces_offset = work.next_offset;
    for (std::uint64_t i = 0; i < work.header.pieces;) {
        int count = 0;
        ssize_t bytes = 0;
        for (; count < kPartsMax && i < work.header.pieces; ++count, ++i) {
            parts[count] = {reinterpret_cast<void*>(work.pieces[i].start), work.pieces[i].size};
            bytes += static_cast<ssize_t>(work.pieces[i].size);
        }
        if (pwritev(work.image, parts, count, static_cast<off_t>(work.next_offset)) != bytes)
            return false;
        work.next_offset += static_cast<std::uint64_t>(bytes);
    }
    return true;
}

bool write_at(int file, const void* data, std::uint64_t bytes, std::uint64_t offset) {
    return pwrite(file, data, bytes, static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes);
}

bool write_image(Work& work) {
    work.header.eager = work.header.has_base != 0 ? 0 : eager_count;
    const std::uint64_t eager_at = sizeof(Header) + work.header.regions * sizeof(Region);
    const std::uint64_t pieces_at = eager_at + work.header.eager * sizeof(Span);
    const std::uint64_t head = pieces_at + work.header.pieces * sizeof(Span);
    work.next_offset = (head + kPage - 1) / kPage * kPage;
    for (std::uint32_t i = 0; i < work.header.regions; ++i)
        if (work.regions[i].content == Content::own && !write_region(work, work.regions[i]))
            return false;
    if (!write_pieces(work)) return false;
    if (ftruncate(work.image, static_cast<off_t>(work.next_offset)) != 0) return false;
    return write_at(work.image, work.regions, work.header.regions * sizeof(Region),
                    sizeof(Header)) &&
           write_at(work.image, eager, work.header.eager * sizeof(Span), eager_at) &&
           write_at(work.image, work.pieces, work.header.pieces * sizeof(Span), pieces_at) &&
           write_at(work.image, &work.header, sizeof work.header, 0);
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
        header.rseq_size = kRseqBytes;
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
    else if (!list_memory(work))
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

// In a process that was thawed from `base`: becomes the one that `image`, which builds on it too,
// is of. It keeps its descriptors, and whatever of its memory is the same already. Returns where it
// cannot: an errno, negative.
extern "C" int agentcored_become(int image, int base) {
    auto* const program = reinterpret_cast<Elf64_Ehdr*>(kThawStart);
    unsigned char is_there = 0;
    if (mincore(program, kPage, &is_there) != 0) return -errno;  // thaw.cpp is not here
    char image_text[16];
    char base_text[16];
    snprintf(image_text, sizeof image_text, "%d", image);
    snprintf(base_text, sizeof base_text, "%d", base);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    // The kernel writes there, and it may be gone in a moment; it is registered anew afterwards.
    std::uint64_t thread = 0;
    if (__rseq_size != 0 && syscall(SYS_arch_prctl, ARCH_GET_FS, &thread) == 0)
        syscall(SYS_rseq, thread + static_cast<std::uint64_t>(__rseq_offset), kRseqBytes,
                RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
    const char* const stack[] = {
        reinterpret_cast<const char*>(3), "stay/0", image_text, base_text, nullptr, nullptr};
    asm volatile("mov %0, %%rsp\n jmp *%1" : : "r"(stack), "r"(program->e_entry) : "memory");
    __builtin_unreachable();
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
