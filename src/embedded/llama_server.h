#pragma once
// llama.cpp's HTTP server as a guest of our own sandbox: no network but a loopback of its own, a
// read-only model file, bounded memory. Started by the first request, warmed, stopped when idle,
// started again after it died (llama_life). It is reached through its namespace, so nobody but
// this daemon can talk to it, and the client in front needs no key.
//
// The server is the one inside the Python package xllamacpp, a build of llama.cpp for any x86-64
// with AVX2 (docs/design/0010-embedded-models.md says why).

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/completion.h"
#include "async/pipe.h"
#include "async/task_group.h"
#include "async/timer.h"
#include "embedded/llama_life.h"
#include "net/http_client.h"
#include "sandbox/sandbox.h"

namespace ac::embedded {

struct LlamaOptions {
    std::filesystem::path runtime;  // folder that holds xllamacpp/
    // Of everybody together; the parallel answers share it.
    std::int64_t context_tokens = 8192;
    std::int64_t parallel = 4;  // answers at a time; more wait in the server
    unsigned threads = 2;
    // 0: 1 GiB and twice the model file.
    std::uint64_t memory_bytes_max = 0;
    Seconds start_timeout{120};
    LlamaTimes times;
};

// Of a GGUF file that may be loaded now: not_found with the command that mends it.
using ChooseModel = std::function<Result<std::filesystem::path>()>;

class LlamaServer final : public net::Connector {
  public:
    struct Dependencies {
        sandbox::Sandbox& sandbox;
        Timer& timer;
        Executor executor;  // where it is watched
    };

    // While one lives, the server is not stopped for being idle.
    class Use final {
      public:
        Use() = default;
        explicit Use(LlamaServer& server) : server_(&server) {}
        Use(Use&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
        Use& operator=(Use&& other) noexcept {
            std::swap(server_, other.server_);
            return *this;
        }
        ~Use();

      private:
        LlamaServer* server_ = nullptr;
    };

    LlamaServer(Dependencies dependencies, LlamaOptions options, ChooseModel choose);
    ~LlamaServer() override;

    // Ends when the server answers. busy, kModelNotReady: it failed a moment ago, and why;
    // not_found: nothing is installed; deadline_exceeded; unavailable after stop().
    Task<Use> use(SteadyTime deadline);
    Task<UniqueFd> connect(SteadyTime deadline) override;
    // For good; ends when the guest is gone.
    Task<> stop();

    LlamaState state() const;

  private:
    struct Waiter {
        SteadyTime deadline;
        Completion<void> changed;
    };

    Task<> until_ready(SteadyTime deadline, bool enters);
    Detached run();
    Task<> start_guest();
    Task<> wait_listening(std::shared_ptr<sandbox::Monitor> monitor);
    Detached read_errors(UniqueFd reading);
    Detached keep_time();
    void leave();
    void wake();  // with mutex_ held
    void ended(Error why);
    std::shared_ptr<sandbox::Monitor> monitor() const;
    bool is_outdated(const std::filesystem::path& chosen);

    const Dependencies dependencies_;
    const LlamaOptions options_;
    const ChooseModel choose_;

    mutable std::mutex mutex_;
    LlamaLife life_;
    std::shared_ptr<sandbox::Monitor> monitor_;
    std::filesystem::path running_;
    std::vector<Waiter> waiters_;
    Error last_error_;
    std::string last_words_;  // the end of what it wrote to stderr
    bool keeps_time_ = false;
    bool closed_ = false;

    TaskGroup tasks_;
};

// What the guest runs; pure, for tests.
struct LlamaGuest {
    sandbox::Policy policy;
    sandbox::Limits limits;
    std::vector<std::string> argv;
    std::vector<std::string> environment;
};
LlamaGuest plan_llama(const LlamaOptions& options, const std::filesystem::path& model,
                      std::uint64_t model_bytes);

inline constexpr std::uint16_t kLlamaPort = 8080;  // inside its own namespace

}  // namespace ac::embedded
