/* Loaded into a client by LD_PRELOAD (`agentcore env --transparent`): whatever it wants to reach at
 * AWS, it reaches at the daemon instead, under the host name that it expects. Names below AWS's
 * domains resolve to one address that nobody has, and connections to port 443 of that address go to
 * AGENTCORE_TRANSPARENT, "127.0.0.1:PORT", whose TLS has certificates for those names. Other ports
 * of it are refused by the kernel: nothing of this process reaches AWS by accident.
 *
 * Plain C without any library but libc, since it runs inside everybody's program. Programs that do
 * not call libc for this (static ones, Go's own resolver) are not redirected. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* Of 127.0.0.0/8, so that without the redirection it leads nowhere outside. */
static const char kAddress[] = "127.77.0.1";
static const in_port_t kHttpsPort = 443;

static const char* const kDomains[] = {"amazonaws.com", "amazonaws.com.cn", "amazoncognito.com",
                                       "api.aws"};

/* The next definition of `name` in the search order: libc's. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* False: AGENTCORE_TRANSPARENT is not set or not ADDRESS:PORT, and nothing is redirected. */
static int find_target(struct sockaddr_in* target) {
    const char* text = getenv("AGENTCORE_TRANSPARENT");
    const char* colon = text ? strrchr(text, ':') : NULL;
    char address[INET_ADDRSTRLEN];
    char* end = NULL;
    if (!colon || (size_t)(colon - text) >= sizeof address) return 0;
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = '\0';
    const long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port < 1 || port > 65535) return 0;
    memset(target, 0, sizeof *target);
    target->sin_family = AF_INET;
    target->sin_port = htons((in_port_t)port);
    return inet_pton(AF_INET, address, &target->sin_addr) == 1;
}

/* Whether `host` is one of the domains or below it; a final dot means the same name. */
static int is_redirected(const char* host) {
    struct sockaddr_in target;
    if (!host) return 0;
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.') --length;
    for (size_t i = 0; i < sizeof kDomains / sizeof *kDomains; ++i) {
        const size_t size = strlen(kDomains[i]);
        if (length < size || strncasecmp(host + length - size, kDomains[i], size) != 0) continue;
        if (length > size && host[length - size - 1] != '.') continue;
        return find_target(&target);
    }
    return 0;
}

static int is_our_address(const struct in_addr* address) {
    return address->s_addr == inet_addr(kAddress);
}

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                struct addrinfo** out) {
    const int is_number = hints && (hints->ai_flags & AI_NUMERICHOST);
    return NEXT(getaddrinfo)(!is_number && is_redirected(host) ? kAddress : host, service, hints,
                             out);
}

struct hostent* gethostbyname(const char* host) {
    return NEXT(gethostbyname)(is_redirected(host) ? kAddress : host);
}

struct hostent* gethostbyname2(const char* host, int family) {
    return NEXT(gethostbyname2)(is_redirected(host) ? kAddress : host, family);
}

int gethostbyname_r(const char* host, struct hostent* out, char* buffer, size_t size,
                    struct hostent** result, int* error) {
    return NEXT(gethostbyname_r)(is_redirected(host) ? kAddress : host, out, buffer, size, result,
                                 error);
}

int gethostbyname2_r(const char* host, int family, struct hostent* out, char* buffer, size_t size,
                     struct hostent** result, int* error) {
    return NEXT(gethostbyname2_r)(is_redirected(host) ? kAddress : host, family, out, buffer, size,
                                  result, error);
}

static int target_ipv4(const struct sockaddr_in* wanted, struct sockaddr_in* target) {
    return wanted->sin_port == htons(kHttpsPort) && is_our_address(&wanted->sin_addr) &&
           find_target(target);
}

/* Clients with dual-stack sockets connect to ::ffff:127.77.0.1. */
static int target_mapped(const struct sockaddr_in6* wanted, struct sockaddr_in6* target) {
    struct sockaddr_in inside;
    struct in_addr address;
    if (wanted->sin6_port != htons(kHttpsPort) || !IN6_IS_ADDR_V4MAPPED(&wanted->sin6_addr))
        return 0;
    memcpy(&address, wanted->sin6_addr.s6_addr + 12, sizeof address);
    if (!is_our_address(&address) || !find_target(&inside)) return 0;
    *target = *wanted;
    target->sin6_port = inside.sin_port;
    memcpy(target->sin6_addr.s6_addr + 12, &inside.sin_addr, sizeof inside.sin_addr);
    return 1;
}

int connect(int fd, const struct sockaddr* wanted, socklen_t size) {
    struct sockaddr_in ipv4;
    struct sockaddr_in6 mapped;
    if (wanted && size >= sizeof ipv4 && wanted->sa_family == AF_INET &&
        target_ipv4((const struct sockaddr_in*)wanted, &ipv4))
        return NEXT(connect)(fd, (const struct sockaddr*)&ipv4, sizeof ipv4);
    if (wanted && size >= sizeof mapped && wanted->sa_family == AF_INET6 &&
        target_mapped((const struct sockaddr_in6*)wanted, &mapped))
        return NEXT(connect)(fd, (const struct sockaddr*)&mapped, sizeof mapped);
    return NEXT(connect)(fd, wanted, size);
}
