#pragma once
// The launcher's only loop: single-threaded, on epoll. Requests of the daemon come in on one
// socket; each guest has a channel to its init and a pidfd.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sandbox/launcher.h"
#include "sandbox/linux/channel.h"
#include "sandbox/linux/guest.h"
#include "sandbox/linux/protocol.h"
#include "sandbox/linux/syscall_filter.h"
#include "sandbox/linux/user_namespace.h"

namespace ac::sandbox {

class LauncherLoop final {
  public:
    LauncherLoop(LauncherOptions options, UniqueFd daemon, UniqueFd daemon_process);
    // Returns when the daemon is gone and every guest with it.
    void run();

  private:
    void watch(int fd, std::uint64_t tag);
    void on_event(std::uint64_t tag, bool& ending);
    void on_daemon(bool& ending);
    void on_request(Packet packet);

    void spawn(SpawnRequest request, Packet packet);
    Result<Guest*> berth_for(const SpawnRequest& request);
    Result<std::unique_ptr<Guest>> make_berth(bool own_network);
    Result<> clone_init(Guest& guest);
    Result<> map_own_ids(Guest& guest);
    Result<std::vector<UniqueFd>> mounts_for(const Guest& guest, const SpawnRequest& request);
    Result<> order(Guest& guest, const SpawnRequest& request, const Packet& packet);
    void keep_warm();

    void stop(const StopRequest& request);
    void open_socket(const OpenRequest& request);
    void measure(const MeasureRequest& request);
    void move_to_ground(const GroundRequest& request);
    void execute(const ExecuteRequest& request, const Packet& packet);
    bool stop_execution(const StopRequest& request);
    void on_execution(Guest& guest, const ExecutionNotice& notice, Packet& packet);
    void end_executions(Guest& guest);

    void on_control(Guest& guest);
    void hear_out(Guest& guest);  // what its init has said and we have not read yet
    void on_init_notice(Guest& guest, const InitNotice& notice, Packet& packet);
    void on_exit(Guest& guest);
    void finish(Guest& guest);
    void end(Guest& guest, Reason reason);
    int next_wait_ms();
    void on_time();
    void end_everything();

    void answer(const Notice& notice, int descriptor = -1);
    void refuse(std::uint64_t id, const Error& error);
    void flush();
    Guest* find(std::uint64_t id);

    LauncherOptions options_;
    UniqueFd daemon_;
    UniqueFd daemon_process_;
    UniqueFd epoll_;
    UniqueFd signals_;
    UniqueFd own_network_;
    const bool privileged_;
    std::set<std::string> accepted_;
    std::string missing_;  // layers that are missing and not accepted: no guest starts
    bool user_namespaces_ = true;
    CgroupTree groups_;
    UserNamespaces namespaces_;
    std::optional<SyscallFilter> filter_;
    std::uint64_t next_serial_ = 1;
    unsigned warm_target_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Guest>> guests_;  // by serial
    std::deque<std::pair<std::string, UniqueFd>> outbox_;
};

}  // namespace ac::sandbox
