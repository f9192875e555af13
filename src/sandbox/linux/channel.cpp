#include "sandbox/linux/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sandbox/linux/protocol.h"

namespace ac::sandbox {

Result<ChannelPair> make_channel() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(errno_error("socketpair", errno));
    // The kernel doubles what is asked; without privilege net.core.wmem_max is the most, which by
    // default is enough.
    const int room = kMessageBytesMax;
    for (const int end : ends)
        if (::setsockopt(end, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0)
            ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return ChannelPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<bool> send_packet(int socket, std::string_view bytes, std::span<const int> descriptors) {
    AC_ASSERT(descriptors.size() <= kDescriptorsMax);
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsMax * sizeof(int))> control{};
    if (!descriptors.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* const item = CMSG_FIRSTHDR(&header);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(item), descriptors.data(), descriptors.size_bytes());
    }
    while (true) {
        if (::sendmsg(socket, &header, MSG_NOSIGNAL) >= 0) return true;
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
        return fail(errno_error("send to peer", errno));
    }
}

Result<std::optional<Packet>> receive_packet(int socket) {
    // Its size first: most packets are small, and the buffer is zeroed before it is filled.
    ssize_t size = 0;
    do size = ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC);
    while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (size <= 0) return fail(ErrorCode::cancelled, "the peer is gone");
    Packet packet;
    packet.bytes.resize(std::min<std::size_t>(static_cast<std::size_t>(size), kMessageBytesMax));
    iovec part{packet.bytes.data(), packet.bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsMax * sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t n = 0;
    do n = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0) return fail(ErrorCode::cancelled, "the peer is gone");
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
         item = CMSG_NXTHDR(&header, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
            packet.descriptors.emplace_back(fd);
        }
    }
    const bool cut = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    packet.bytes.resize(cut ? 0 : static_cast<std::size_t>(n));
    return packet;
}

void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace ac::sandbox
