#pragma once
// What the daemon and its launcher say to one another, one message a SOCK_SEQPACKET packet,
// descriptors beside it (SCM_RIGHTS). Integers are little-endian and fixed, a text or list is
// preceded by its u32 length, a message by its kind (u8). decode() takes exactly what encode()
// gives: it refuses short, long and unknown input, so neither side can crash the other.
//
//   daemon -> launcher                          launcher -> daemon
//   spawn   id, request   [descriptors]         started  id
//   stop    guest, grace                        failed   id, code, message
//   open    id, guest                           socket   id            [socket]
//   measure id, guest                           measured id, usage
//   ground  guest, whether in the background
//   execute id, guest, command [descriptors]      (started then may bring a [terminal])
//                                               ended    guest, outcome
//
// A guest is named by the id of the request that spawned it, a further command in a guest by the
// one that executed it: stop and ended are about either. Each request has one answer, but for stop
// and ground, which have none. The
// launcher passes execute and stop on to the guest's init as they are.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "sandbox/command.h"
#include "sandbox/limits.h"
#include "sandbox/outcome.h"
#include "sandbox/policy.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

// Room for the largest environment that Runtime takes and the largest command. A packet must fit
// into the socket's send buffer, which make_channel() sees to.
inline constexpr std::size_t kMessageBytesMax = 384 * 1024;
inline constexpr std::size_t kListItemsMax = 8192;

struct GuestMount {
    std::string host_path;
    std::string guest_path;
    bool writable = false;
    bool operator==(const GuestMount&) const = default;
};

struct SpawnRequest {
    std::uint64_t id = 0;
    std::string root;  // empty: the host's userland
    bool root_is_writable = false;
    GuestUser user;
    std::vector<GuestMount> mounts;
    bool host_network = false;
    Limits limits;
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string folder;
    bool has_output = false;    // a descriptor for stdout comes with it
    bool has_error = false;     // and one for stderr, after it
    std::uint32_t further = 0;  // then so many more
};

struct StopRequest {
    std::uint64_t guest = 0;
    std::uint32_t grace_ms = 0;
};

// A TCP socket in the guest's network, neither bound nor connected.
struct OpenRequest {
    std::uint64_t id = 0;
    std::uint64_t guest = 0;
};

struct MeasureRequest {
    std::uint64_t id = 0;
    std::uint64_t guest = 0;
};

struct GroundRequest {
    std::uint64_t guest = 0;
    bool is_background = false;
};

struct ExecuteRequest {
    std::uint64_t id = 0;
    std::uint64_t guest = 0;
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string folder;
    bool has_output = false;
    bool has_error = false;
    std::uint32_t further = 0;
    std::optional<TerminalSize> terminal;  // started then brings its owner's end
};

struct StartedNotice {
    std::uint64_t id = 0;
};

struct FailedNotice {
    std::uint64_t id = 0;
    ErrorCode code = ErrorCode::unavailable;
    std::string message;
};

struct SocketNotice {
    std::uint64_t id = 0;
};

struct MeasuredNotice {
    std::uint64_t id = 0;
    Usage usage;
};

struct EndedNotice {
    std::uint64_t guest = 0;
    Outcome outcome;
};

using Request = std::variant<SpawnRequest, StopRequest, OpenRequest, MeasureRequest, GroundRequest,
                             ExecuteRequest>;
using Notice = std::variant<StartedNotice, FailedNotice, SocketNotice, MeasuredNotice, EndedNotice>;

std::string encode(const Request& request);
std::string encode(const Notice& notice);
std::optional<Request> decode_request(std::string_view bytes);
std::optional<Notice> decode_notice(std::string_view bytes);

}  // namespace ac::sandbox
