// From the request to the exec of a static program that does nothing, next to fork+exec and to the
// whole life of the same program under bwrap, where it is installed. Medians and p99
// are the counters.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <vector>

#include "async/run.h"
#include "sandbox/launcher.h"

namespace ac::sandbox {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Latencies {
  public:
    void add(benchmark::State& state, SteadyClock::duration took) {
        const double seconds = std::chrono::duration<double>(took).count();
        state.SetIterationTime(seconds);
        all_.push_back(seconds * 1e3);
    }
    void report(benchmark::State& state) {
        std::ranges::sort(all_);
        if (all_.empty()) return;
        state.counters["p50_ms"] = all_[all_.size() / 2];
        state.counters["p99_ms"] = all_[all_.size() * 99 / 100];
    }

  private:
    std::vector<double> all_;
};

void start_in_sandbox(benchmark::State& state, unsigned warm, bool to_end) {
    Loop loop;
    LauncherOptions options;
    options.instance = fmt::format("bench-{}", ::getpid());
    options.warm = warm;
    auto launcher = start_launcher(options);
    if (!launcher) return state.SkipWithError(launcher.error().message.c_str());
    auto sandbox = *make_linux_sandbox(std::move(*launcher), loop);
    Latencies latencies;
    for (auto _ : state) {
        Policy policy;
        policy.add_mount({AC_EXIT_NOW, "/opt/exit_now"});
        Command command;
        command.argv = {"/opt/exit_now"};
        const auto begin = SteadyClock::now();
        auto guest = run_on(loop, sandbox->start(policy, {}, std::move(command)));
        const auto running = SteadyClock::now();
        if (!guest) {
            state.SkipWithError(guest.error().message.c_str());
            break;
        }
        (void)run_on(loop, (*guest)->wait());
        latencies.add(state, (to_end ? SteadyClock::now() : running) - begin);
        // Starts do not come back to back; let the launcher prepare the next ones.
        if (warm > 0) ::poll(nullptr, 0, 25);
    }
    latencies.report(state);
}

void sandbox_start(benchmark::State& state) {
    start_in_sandbox(state, 2, false);
}
void sandbox_start_unprepared(benchmark::State& state) {
    start_in_sandbox(state, 0, false);
}
void sandbox_whole_life(benchmark::State& state) {
    start_in_sandbox(state, 2, true);
}

void whole_life_of(benchmark::State& state, std::vector<const char*> argv) {
    argv.push_back(nullptr);
    Latencies latencies;
    for (auto _ : state) {
        const auto begin = SteadyClock::now();
        pid_t pid = -1;
        int status = 0;
        if (::posix_spawn(&pid, argv[0], nullptr, nullptr, const_cast<char**>(argv.data()),
                          environ) == 0)
            ::waitpid(pid, &status, 0);
        latencies.add(state, SteadyClock::now() - begin);
        if (pid < 0 || status != 0) {
            state.SkipWithError("it failed");
            break;
        }
    }
    latencies.report(state);
}

void spawn_and_wait(benchmark::State& state) {
    whole_life_of(state, {AC_EXIT_NOW});
}

void bwrap(benchmark::State& state) {
    if (!std::filesystem::exists("/usr/bin/bwrap")) return state.SkipWithError("not installed");
    whole_life_of(state, {"/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr",
                          "--ro-bind", AC_EXIT_NOW, "/exit_now", "--proc", "/proc", "--dev", "/dev",
                          "--tmpfs", "/tmp", "--cap-drop", "ALL", "--uid", "65534", "/exit_now"});
}

BENCHMARK(sandbox_start)->UseManualTime()->Iterations(200)->Unit(benchmark::kMillisecond);
BENCHMARK(sandbox_start_unprepared)
    ->UseManualTime()
    ->Iterations(200)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(sandbox_whole_life)->UseManualTime()->Iterations(200)->Unit(benchmark::kMillisecond);
BENCHMARK(spawn_and_wait)->UseManualTime()->Iterations(200)->Unit(benchmark::kMillisecond);
BENCHMARK(bwrap)->UseManualTime()->Iterations(200)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ac::sandbox

BENCHMARK_MAIN();
