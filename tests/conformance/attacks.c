// The attacks of test_code_interpreter_attacks.py as a native program; argv[1] names one.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int deeper(volatile int level) {
    volatile char held[4096];
    held[level % 4096] = 1;
    return deeper(level + 1) + held[0];
}

static void memory(void) {
    for (;;) memset(malloc(1 << 24), 1, 1 << 24);
}

static void forks(void) {
    for (int made = 0; made < 100000; ++made) {
        const pid_t child = fork();
        if (child < 0) {
            printf("refused %d %d\n", made < 1000, errno == EAGAIN);
            fflush(stdout);
            kill(0, SIGTERM);
        }
        if (child == 0) {
            signal(SIGTERM, SIG_DFL);
            pause();
            _exit(0);
        }
    }
}

static void flood(void) {
    static char line[10000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 4000; ++i) (void)!write(1, line, sizeof line);
}

static void files(void) {
    char name[32];
    for (int i = 0; i < 10000000; ++i) {
        snprintf(name, sizeof name, "f%d", i);
        const int fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0) {
            printf("refused %d %d\n", i < 200000, errno == ENOSPC);
            return;
        }
        close(fd);
    }
}

static void huge(void) {
    static char block[1 << 20];
    memset(block, 1, sizeof block);
    const int fd = open("huge", O_CREAT | O_WRONLY, 0600);
    for (long wrote = 0;; ++wrote) {
        if (write(fd, block, sizeof block) > 0) continue;
        printf("refused %d %d\n", wrote < 4096, errno == ENOSPC || errno == EFBIG);
        return;
    }
}

static void first(void) {
    const int signals[] = {SIGKILL, SIGSTOP, SIGTERM, SIGSEGV};
    for (int i = 0; i < 4; ++i) kill(1, signals[i]);
    printf("survived\n");
}

static void forge(void) {
    char junk[4096];
    memset(junk, 0xff, sizeof junk);
    for (int fd = 3; fd < 1024; ++fd) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        (void)!write(fd, junk, sizeof junk);
        close(fd);
    }
    char path[64];
    for (int fd = 0; fd < 64; ++fd) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getppid(), fd);
        const int other = open(path, O_WRONLY | O_NONBLOCK);
        if (other >= 0 && write(other, junk, sizeof junk) > 0 && fd > 2) printf("WROTE %d\n", fd);
    }
}

static void replace(void) {
    const char *names[] = {"/opt/agentcored/start.py", "/opt/agentcored/agentcored_guest/agent.py",
                           "/opt/interpreter/bin/python", "/usr/bin/env"};
    for (int i = 0; i < 4; ++i) {
        if (open(names[i], O_WRONLY) >= 0) printf("OPENED %s\n", names[i]);
        if (rename(names[i], "/work/taken") == 0) printf("MOVED %s\n", names[i]);
    }
}

// Until it is ended: `d` is a folder and a link out of /work by turns.
static void race(void) {
    mkdir("d", 0755);
    symlink("/tmp", "l");
    for (;;) renameat2(AT_FDCWD, "d", AT_FDCWD, "l", RENAME_EXCHANGE);
}

int main(int count, char **names) {
    const char *attack = count > 1 ? names[1] : "";
    if (!strcmp(attack, "spin")) for (;;) {}
    if (!strcmp(attack, "memory")) memory();
    if (!strcmp(attack, "forks")) forks();
    if (!strcmp(attack, "flood")) flood();
    if (!strcmp(attack, "files")) files();
    if (!strcmp(attack, "huge")) huge();
    if (!strcmp(attack, "recursion")) return deeper(0);
    if (!strcmp(attack, "first")) first();
    if (!strcmp(attack, "agent")) kill(getppid(), SIGKILL);
    if (!strcmp(attack, "forge")) forge();
    if (!strcmp(attack, "replace")) replace();
    if (!strcmp(attack, "exit")) _exit(7);
    if (!strcmp(attack, "race")) race();
    return 0;
}
