#include "sandbox/linux/guest_socket.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/linux/channel.h"
#include "sandbox/linux/system.h"

namespace ac::sandbox {
namespace {

Result<UniqueFd> make_socket() {
    UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!made) return fail(errno_error("socket", errno));
    return made;
}

// Entering a user namespace is for good, so a child does it.
[[noreturn]] void make_socket_inside(const Guest& guest, int back) {
    if (::setns(guest.user_namespace.get(), CLONE_NEWUSER) == 0 &&
        ::setns(guest.network.get(), CLONE_NEWNET) == 0)
        if (const auto made = make_socket()) {
            const int fd = made->get();
            (void)send_packet(back, "S", std::span(&fd, 1));
        }
    ::_exit(0);
}

Result<UniqueFd> open_through_child(const Guest& guest) {
    AC_TRY(ChannelPair channel, make_channel());
    CloneOptions options;
    AC_TRY(const Cloned child, clone_process(options));
    if (child.pid == 0) make_socket_inside(guest, channel.theirs.get());
    channel.theirs.reset();
    auto packet = receive_packet(channel.ours.get());
    while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (!packet || !*packet || (*packet)->descriptors.size() != 1)
        return fail(ErrorCode::unavailable, "the guest's network cannot be entered");
    return std::move((*packet)->descriptors.front());
}

}  // namespace

Result<UniqueFd> open_guest_socket(const Guest& guest, int own_network) {
    if (!guest.own_network) return make_socket();
    if (guest.user_namespace) return open_through_child(guest);
    if (::setns(guest.network.get(), CLONE_NEWNET) != 0)
        return fail(errno_error("enter the guest's network", errno));
    auto made = make_socket();
    // Going on in a guest's network would be a bug with consequences.
    AC_ASSERT(::setns(own_network, CLONE_NEWNET) == 0);
    return made;
}

}  // namespace ac::sandbox
