// The part of the launcher's loop that runs further commands in guests: their init does it.

#include <sys/wait.h>

#include "sandbox/linux/launcher_loop.h"

namespace ac::sandbox {
namespace {

Result<> check(const ExecuteRequest& request, std::size_t descriptors) {
    const auto wrong = [](const char* what) { return fail(ErrorCode::invalid_argument, what); };
    if (request.argv.empty() || request.argv.front().empty())
        return wrong("an execution needs a program to run");
    if (!request.folder.starts_with('/')) return wrong("the command's folder is no absolute path");
    for (const auto* texts : {&request.argv, &request.environment})
        for (const std::string& text : *texts)
            if (text.find('\0') != std::string::npos) return wrong("an argument holds a NUL");
    if (request.folder.find('\0') != std::string::npos) return wrong("the folder holds a NUL");
    const std::size_t expected =
        (request.has_output ? 1 : 0) + (request.has_error ? 1 : 0) + request.further;
    if (request.terminal && expected != 0) return wrong("a terminal takes the outputs' place");
    if (descriptors != expected) return wrong("an output descriptor is missing");
    return {};
}

Outcome outcome_of_status(int status) {
    if (WIFEXITED(status)) return {.reason = Reason::exited, .code = WEXITSTATUS(status)};
    return {.reason = Reason::signaled, .code = WTERMSIG(status)};
}

}  // namespace

void LauncherLoop::execute(const ExecuteRequest& request, const Packet& packet) {
    Guest* const guest = find(request.guest);
    if (guest == nullptr || !guest->started || guest->reaped || guest->status)
        return refuse(request.id, {ErrorCode::unavailable, "the guest has ended"});
    if (const auto valid = check(request, packet.descriptors.size()); !valid)
        return refuse(request.id, valid.error());
    std::vector<int> descriptors;
    for (const UniqueFd& descriptor : packet.descriptors) descriptors.push_back(descriptor.get());
    const auto sent = send_packet(guest->control.get(), packet.bytes, descriptors);
    if (!sent || !*sent)
        return refuse(request.id, {ErrorCode::unavailable, "the guest takes no further command"});
    guest->executions[request.id] = false;
}

bool LauncherLoop::stop_execution(const StopRequest& request) {
    for (const auto& [serial, guest] : guests_) {
        if (!guest->executions.contains(request.guest)) continue;
        if (!guest->reaped) (void)send_packet(guest->control.get(), encode(Request{request}));
        return true;
    }
    return false;
}

void LauncherLoop::on_execution(Guest& guest, const ExecutionNotice& notice, Packet& packet) {
    const auto found = guest.executions.find(notice.id);
    if (found == guest.executions.end()) return;
    if (std::holds_alternative<CommandRuns>(notice.what)) {
        found->second = true;
        const int terminal = packet.descriptors.empty() ? -1 : packet.descriptors.front().release();
        return answer(StartedNotice{notice.id}, terminal);
    }
    guest.executions.erase(found);
    if (const auto* failed = std::get_if<CommandFailed>(&notice.what))
        return refuse(notice.id, {failed->code, failed->message});
    answer(EndedNotice{notice.id, outcome_of_status(std::get<CommandEnded>(notice.what).status)});
}

void LauncherLoop::end_executions(Guest& guest) {
    for (const auto& [id, runs] : std::exchange(guest.executions, {})) {
        if (runs)
            answer(EndedNotice{id, {Reason::stopped, 0, "its guest ended"}});
        else
            refuse(id, {ErrorCode::unavailable, "the guest has ended"});
    }
}

}  // namespace ac::sandbox
