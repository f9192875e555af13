#include "runtime/build_box.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "async/pipe.h"

namespace ac::runtime {
namespace {

sandbox::Policy policy_of(const BoxRun& run) {
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
    if (run.network) policy.share_host_network(sandbox::grants::HostNetwork{});
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

}  // namespace

Task<> run_in_box(sandbox::Sandbox& sandbox, const RuntimeLimits& limits, BoxRun run,
                  BuildLog& log) {
    AC_CO_TRY(Pipe pipe, make_pipe());
    const int again = ::dup(pipe.writing.get());
    if (again < 0) co_return fail(errno_error("cannot make a pipe", errno));
    sandbox::Command command{.argv = run.argv,
                             .environment = run.environment,
                             .folder = "/work",
                             .standard_output = std::move(pipe.writing),
                             .standard_error = UniqueFd(again)};
    sandbox::Limits bounds;
    bounds.memory_bytes_max = limits.build_memory_bytes_max;
    bounds.work_bytes_max = limits.build_memory_bytes_max / 2;
    bounds.processors_max = limits.guest_processors_max;
    bounds.wall_time_max = limits.build_max;

    sandbox::Policy policy = policy_of(run);
    AC_CO_TRY(auto monitor, co_await sandbox.start(std::move(policy), bounds, std::move(command)));
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
