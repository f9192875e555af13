// The ways out of test_code_interpreter_escapes.py as a native program; argv[1] names one, argv[2]
// is what it is about. Prints ESCAPED or held.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static int opens(const char* path, int flags) {
    return open(path, flags) >= 0;
}

static int init_memory(const char* about) {
    (void)about;
    return opens("/proc/1/mem", O_RDONLY) || opens("/proc/1/mem", O_RDWR) ||
           opens("/proc/1/environ", O_RDONLY);
}

static int trace(const char* about) {
    (void)about;
    return ptrace(PTRACE_ATTACH, 1, 0, 0) == 0 || ptrace(PTRACE_SEIZE, getppid(), 0, 0) == 0;
}

static int keys(const char* about) {
    (void)about;
    return syscall(SYS_keyctl, 0, -3, 1) >= 0 ||
           syscall(SYS_add_key, "user", "k", "v", 1, -3) >= 0;
}

static int uring(const char* about) {
    static char parameters[120];
    (void)about;
    return syscall(SYS_io_uring_setup, 8, parameters) >= 0;
}

static int namespaces(const char* about) {
    static const int kinds[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET};
    (void)about;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i)
        if (unshare(kinds[i]) == 0 || unshare(CLONE_NEWUSER | kinds[i]) == 0) return 1;
    return 0;
}

static int abstract_socket(const char* about) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(name.sun_path + 1, about, sizeof name.sun_path - 2);
    return connect(fd, (struct sockaddr*)&name,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(about))) == 0;
}

static int reaches(const char* address, int port, int type) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    const int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    struct pollfd waiting = {.fd = fd, .events = type == SOCK_STREAM ? POLLOUT : POLLIN};
    int error = 0;
    socklen_t size = sizeof error;
    inet_pton(AF_INET, address, &to.sin_addr);
    if (connect(fd, (struct sockaddr*)&to, sizeof to) != 0 && errno != EINPROGRESS) return 0;
    if (type == SOCK_DGRAM && write(fd, "\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1", 17) < 0) return 0;
    if (poll(&waiting, 1, 1000) != 1) return 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0;
}

static int metadata(const char* about) {
    (void)about;
    return reaches("169.254.169.254", 80, SOCK_STREAM) ||
           reaches("169.254.170.2", 80, SOCK_STREAM);
}

static int names(const char* about) {
    struct addrinfo* found = NULL;
    (void)about;
    return getaddrinfo("example.com", "80", NULL, &found) == 0 ||
           reaches("8.8.8.8", 53, SOCK_DGRAM);
}

static int raw_socket(const char* about) {
    (void)about;
    return socket(AF_INET, SOCK_RAW, 1) >= 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0 ||
           socket(AF_NETLINK, SOCK_RAW, 12) >= 0;
}

static int devices(const char* about) {
    (void)about;
    return mknod("/tmp/disk", S_IFBLK | 0600, makedev(8, 0)) == 0 ||
           mknod("/tmp/memory", S_IFCHR | 0600, makedev(1, 1)) == 0 || opens("/dev/mem", O_RDONLY) ||
           opens("/dev/kmsg", O_RDONLY) || opens("/dev/sda", O_RDONLY) ||
           opens("/dev/vda", O_RDONLY);
}

static int links(const char* about) {
    static const char* const roots[] = {"/proc/1/root", "/proc/self/root", "/../../../..",
                                        "/proc/self/cwd/../../../.."};
    char target[4096];
    for (unsigned i = 0; i < sizeof roots / sizeof *roots; ++i) {
        snprintf(target, sizeof target, "%s%s", roots[i], about);
        unlink("/tmp/link");
        if (symlink(target, "/tmp/link") == 0 && opens("/tmp/link", O_RDONLY)) return 1;
    }
    return 0;
}

int main(int argc, char** argv) {
    static const struct {
        const char* name;
        int (*try)(const char*);
    } ways[] = {{"init_memory", init_memory}, {"trace", trace},       {"keys", keys},
                {"uring", uring},             {"namespaces", namespaces},
                {"abstract", abstract_socket}, {"metadata", metadata}, {"names", names},
                {"raw", raw_socket},          {"devices", devices},   {"links", links}};
    for (unsigned i = 0; argc > 2 && i < sizeof ways / sizeof *ways; ++i)
        if (strcmp(argv[1], ways[i].name) == 0) {
            puts(ways[i].try(argv[2]) ? "ESCAPED" : "held");
            return 0;
        }
    return 2;
}
