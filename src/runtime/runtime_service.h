#pragma once
// Runtime: hosts agents, each session in a sandbox of its own. The control plane is catalog();
// the rest of this interface is the data plane. Thread-safe: callable from any loop.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/thread_pool.h"
#include "async/timer.h"
#include "base/random.h"
#include "net/http_server.h"
#include "runtime/artifact_source.h"
#include "runtime/build_options.h"
#include "runtime/catalog.h"
#include "runtime/limits.h"
#include "runtime/pool_options.h"
#include "runtime/types.h"
#include "sandbox/sandbox.h"
#include "storage/database.h"

namespace ac::runtime {

// How a caller proved who it is, and for whom it acts. Which proof is due is the runtime's to say.
struct Caller {
    enum class Proof { signature, token };
    Proof proof = Proof::signature;
    std::string user_id;     // whom a signing caller says it acts for; empty: nobody
    std::string user_token;  // the JWT of a caller with a token: secret
};

// Which session an operation means, and who calls.
struct SessionAddress {
    Scope scope;
    RuntimeId runtime;
    std::string endpoint{kDefaultEndpoint};
    SessionId session;
    Caller caller = {};  // of one invocation; sessions do not keep it
    // The caller's Mcp-Session-Id: where the agent speaks MCP it names the session.
    std::string mcp_session = {};
};

struct SessionView {
    SessionId session;
    std::string endpoint;
    std::int64_t version = 0;
    std::string state;  // "provisioning", "ready", "draining"
    WallTime started_at;
    WallTime last_used_at;
    std::size_t invocations = 0;  // under way
    std::uint64_t memory_bytes = 0;
};

// The reason in a guest_failed Error whose agent does not take the request's Accept header (406).
inline constexpr std::string_view kNotAcceptable = "NotAcceptable";

struct LogQuery {
    Scope scope;
    RuntimeId runtime;
    std::string endpoint{kDefaultEndpoint};
    std::string session;     // empty: all sessions
    std::size_t tail = 100;  // newest lines to begin with
    bool follow = false;
};

struct LogLine {
    WallTime time;
    std::string session;
    std::string stream;  // "stdout", "stderr", "platform"
    std::string line;
};

// Takes lines as they come; an Error ends the reading.
using LogSink = std::function<Task<>(std::vector<LogLine>)>;

// A shell command to run beside the agent of a session.
struct CommandRequest {
    std::string text;
    std::optional<Seconds> timeout;
};

struct CommandEnd {
    int exit_code = 0;  // 128 and the signal for one that was killed; -1: its session ended
    bool timed_out = false;
};

// Takes what a command writes as it comes. An Error ends the command.
class CommandSink {
  public:
    virtual ~CommandSink() = default;
    virtual Task<> started(const SessionId& session) = 0;
    // UTF-8, whole characters; one of them may be empty.
    virtual Task<> output(std::string out, std::string errors) = 0;
};

class RuntimeService {
  public:
    virtual ~RuntimeService() = default;

    // Before sessions: where callers reach this server ("http://host:port"), told to agents.
    virtual void set_public_url(std::string url) = 0;
    // Brings the schema up to date and resumes what an earlier run left unfinished.
    virtual Task<> start() = 0;
    // What lasts until somebody ends it (followed logs, WebSockets, listening streams) ends now,
    // and answers that stream have stream_drain left. drain() follows. Thread-safe.
    virtual void begin_drain() = 0;
    // Ends sessions and builds; unfinished builds are resumed by the next start().
    virtual Task<> drain(SteadyTime deadline) = 0;

    virtual Catalog& catalog() = 0;

    // Forwards the request to the session's agent, starting it when need be, and its answer back
    // as it comes. Errors before the answer has begun: not_found, quota_exceeded, busy,
    // guest_failed, deadline_exceeded, too_large, cancelled (the caller went away),
    // permission_denied (not the proof that this runtime wants). After that the exchange is to be
    // aborted.
    virtual Task<> invoke(SessionAddress address, std::string request_id, net::Exchange& exchange,
                          net::Body& body) = 0;
    // The same for what else an agent can be asked. invalid_argument: not one of this protocol.
    virtual Task<> ask(SessionAddress address, AgentCall call, std::string request_id,
                       net::Exchange& exchange) = 0;
    // The same for a caller's WebSocket: returns when it is over. invalid_argument: not an opening
    // handshake.
    virtual Task<> open_web_socket(SessionAddress address, std::string request_id,
                                   net::Exchange& exchange) = 0;
    // The same for a caller's WebSocket to an interactive shell in the session: found by its name
    // or started, with a new name where there is none. Further errors: those of Shells::open().
    virtual Task<> open_shell(SessionAddress address, std::string shell_id,
                              net::Exchange& exchange) = 0;
    // Runs a command in the session, starting that when need be. The command and what it left in
    // its process group end with it, with its time, and when the Task is cancelled. Errors before
    // `sink` was told of the start: those of invoke(), invalid_argument, quota_exceeded (too many
    // at once in this session).
    virtual Task<CommandEnd> run_command(SessionAddress address, CommandRequest request,
                                         CommandSink& sink) = 0;
    // Ends when the guest is gone. not_found: no such session runs.
    virtual Task<> stop_session(SessionAddress address) = 0;
    virtual Task<std::vector<SessionView>> sessions(Scope scope, RuntimeId id) = 0;
    virtual Task<> read_logs(LogQuery query, LogSink sink) = 0;
    // not_found: no such version, or it was never built here.
    virtual Task<std::string> build_log(Scope scope, RuntimeId id,
                                        std::optional<std::int64_t> version) = 0;
    // Live sessions, for /metrics.
    virtual std::size_t session_count() const = 0;
    virtual PoolStatistics pool_statistics() const = 0;
};

struct RuntimeConfig {
    std::filesystem::path folder;  // ours alone: code, packages, logs
    RuntimeLimits limits;
    BuildOptions build;
    PoolOptions pool;
};

class ImageSource;
class InstallDoor;
class PlatformDoor;
class WorkloadIdentities;

// All outlive the service.
struct Dependencies {
    storage::Database& database;
    sandbox::Sandbox& sandbox;
    ArtifactSource& artifacts;
    Timer& timer;
    Random& random;
    ThreadPool& pool;  // unpacking and hashing
    Loop& loop;        // drives sessions and builds
    RuntimeConfig config;
    PlatformDoor* platform = nullptr;          // nullptr: agents reach nothing
    WorkloadIdentities* identities = nullptr;  // nullptr: agents have none
    PlatformDoor* egress = nullptr;            // nullptr: no way out for mode PUBLIC either
    ImageSource* images = nullptr;             // nullptr: no container images
    InstallDoor* installs = nullptr;  // nullptr: installers of packages have the host's network
};

Result<std::unique_ptr<RuntimeService>> make_runtime_service(Dependencies dependencies);

}  // namespace ac::runtime
