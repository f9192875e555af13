// How the guest is started: what it sees, what it may use, its command.

#include "embedded/llama_server.h"

namespace ac::embedded {
namespace {

constexpr const char* kRuntimePath = "/opt/llama";
constexpr const char* kModelPath = "/opt/model.gguf";
constexpr std::uint64_t kServerBytes = 1ULL << 30;  // context, compute buffers, Python
constexpr std::uint64_t kWorkBytes = 64ULL << 20;   // it writes nothing there

// Prompts are kept (cache_prompt), so that the next turn of a conversation reads only what is new.
constexpr const char* kScript = R"(import signal, sys
sys.path.insert(0, sys.argv[1])
import xllamacpp
p = xllamacpp.CommonParams()
p.model.path = sys.argv[2]
p.model_alias = {"embedded"}
p.hostnames = ["127.0.0.1"]
p.port = int(sys.argv[3])
p.n_ctx = int(sys.argv[4])
p.n_parallel = int(sys.argv[5])
p.kv_unified = True
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = int(sys.argv[6])
p.use_jinja = True
p.ui = False
p.endpoint_slots = False
p.cache_ram_mib = 0
p.verbosity = 1
signal.signal(signal.SIGTERM, signal.SIG_DFL)
server = xllamacpp.Server(p)
while True:
    signal.pause()
)";

}  // namespace

LlamaGuest plan_llama(const LlamaOptions& options, const std::filesystem::path& model,
                      std::uint64_t model_bytes) {
    LlamaGuest guest;
    guest.policy.add_mount({options.runtime, kRuntimePath});
    guest.policy.add_mount({model, kModelPath});
    guest.limits.memory_bytes_max =
        options.memory_bytes_max > 0 ? options.memory_bytes_max : kServerBytes + 2 * model_bytes;
    guest.limits.processors_max = options.threads;
    guest.limits.processes_max = 128;
    guest.limits.work_bytes_max = kWorkBytes;
    guest.argv = {"/usr/bin/python3",
                  "-I",
                  "-c",
                  kScript,
                  kRuntimePath,
                  kModelPath,
                  std::to_string(kLlamaPort),
                  std::to_string(options.context_tokens),
                  std::to_string(options.parallel),
                  std::to_string(options.threads)};
    // PASSIVE: threads that wait for one another sleep. On a machine that has other work to do,
    // spinning made answers ten times slower.
    guest.environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/work",
                         "PYTHONDONTWRITEBYTECODE=1", "OMP_WAIT_POLICY=PASSIVE"};
    return guest;
}

}  // namespace ac::embedded
