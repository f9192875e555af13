#pragma once
// Packets with descriptors over a SOCK_SEQPACKET socket.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace ac::sandbox {

// SCM_MAX_FD of the kernel is 253; nothing here needs more than a few.
inline constexpr std::size_t kDescriptorsMax = 64;

struct Packet {
    std::string bytes;
    std::vector<UniqueFd> descriptors;
};

struct ChannelPair {
    UniqueFd ours;
    UniqueFd theirs;
};

// Both ends close on exec; blocking.
Result<ChannelPair> make_channel();

// false: the socket's buffer is full (non-blocking sockets only). An Error when the peer is gone.
Result<bool> send_packet(int socket, std::string_view bytes, std::span<const int> descriptors = {});

// nullopt: nothing there now (non-blocking sockets only). cancelled: the peer is gone. A packet
// over kMessageBytesMax is dropped and read as an empty one, which no decoder takes.
Result<std::optional<Packet>> receive_packet(int socket);

void set_nonblocking(int fd);

}  // namespace ac::sandbox
