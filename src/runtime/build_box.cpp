#include "runtime/build_box.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "async/pipe.h"
#include "base/encoding.h"

namespace ac::runtime {
namespace {

// An installer that found its way out closed would give up: it starts when the pipe ends.
constexpr std::string_view kGate = "read -r _ <&3; exec 3<&-; exec \"$@\"";

bool names_proxy(std::string_view entry) {
    const std::string name = to_lower(entry.substr(0, entry.find('=')));
    return name.ends_with("_proxy") || name.ends_with("_noproxy");
}

void go_through_door(BoxRun& run) {
    std::erase_if(run.environment, names_proxy);
    const std::string url = "http://127.0.0.1:" + std::to_string(kEgressPort);
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
        run.environment.push_back(std::string(name) + "=" + url);
    run.argv.insert(run.argv.begin(), {"/bin/sh", "-c", std::string(kGate), "sh"});
}

sandbox::Policy policy_of(const BoxRun& run, bool has_door) {
    sandbox::Policy policy;
    if (!run.code.empty()) {
        if (run.code_is_writable)
            policy.add_writable_mount(sandbox::grants::WritableMount{},
                                      {run.code, std::string(kCodePath)});
        else
            policy.add_mount({run.code, std::string(kCodePath)});
    }
    if (!run.packages.empty()) {
        policy.add_writable_mount(sandbox::grants::WritableMount{},
                                  {run.packages, std::string(kPackagesPath)});
    }
    for (const auto& path : run.visible) policy.add_mount({path, path});
    if (run.network && !has_door) policy.share_host_network(sandbox::grants::HostNetwork{});
    return policy;
}

Task<> copy_output(PipeReader& reader, BuildLog& log) {
    std::array<char, 8192> buffer;
    while (true) {
        AC_CO_TRY(const std::size_t size, co_await reader.read_some(buffer));
        if (size == 0) co_return Result<>{};
        log.add({buffer.data(), size});
    }
}

sandbox::Limits bounds_of(const RuntimeLimits& limits) {
    sandbox::Limits bounds;
    bounds.memory_bytes_max = limits.build_memory_bytes_max;
    bounds.work_bytes_max = limits.build_memory_bytes_max / 2;
    bounds.processors_max = limits.guest_processors_max;
    bounds.wall_time_max = limits.build_max;
    return bounds;
}

}  // namespace

Task<> run_in_box(const Box& box, BoxRun run, BuildLog& log) {
    AC_CO_TRY(Pipe pipe, make_pipe());
    const int again = ::dup(pipe.writing.get());
    if (again < 0) co_return fail(errno_error("cannot make a pipe", errno));
    const bool has_door = run.network && box.door != nullptr;
    if (has_door) go_through_door(run);
    sandbox::Command command{.argv = run.argv,
                             .environment = run.environment,
                             .folder = "/work",
                             .standard_output = std::move(pipe.writing),
                             .standard_error = UniqueFd(again)};
    AC_CO_TRY(Pipe gate, make_pipe());
    if (has_door) command.descriptors.push_back(std::move(gate.reading));
    sandbox::Policy policy = policy_of(run, has_door);
    const sandbox::Limits bounds = bounds_of(box.limits);
    AC_CO_TRY(auto monitor,
              co_await box.sandbox.start(std::move(policy), bounds, std::move(command)));
    std::unique_ptr<PlatformDoor::Open> open;
    if (has_door) {
        AC_CO_TRY(UniqueFd listener, co_await monitor->listen(kEgressPort));
        AC_CO_TRY(open, box.door->open(std::move(listener)));
    }
    gate.writing = UniqueFd();
    const auto executor = co_await asio::this_coro::executor;
    PipeReader reader(executor, std::move(pipe.reading));
    AC_CO_CHECK(co_await copy_output(reader, log));
    AC_CO_TRY(const sandbox::Outcome outcome, co_await monitor->wait());
    if (outcome.reason == sandbox::Reason::exited && outcome.code == 0) co_return Result<>{};
    co_return fail(ErrorCode::guest_failed, outcome.detail.empty()
                                                ? std::string(to_string(outcome.reason))
                                                : outcome.detail);
}

}  // namespace ac::runtime
