#pragma once
// For tests: the whole service behind an HTTP server on loopback, over a store in a temporary
// folder and whatever sandbox and timer the test brings. POST /{endpoint}/{session} invokes.

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "async/run.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "net/testing/server_fixture.h"
#include "runtime/runtime_service.h"

namespace ac::runtime::testing {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;

inline void write_zip(const fs::path& path, const Files& files) {
    archive* writer = archive_write_new();
    archive_write_set_format_zip(writer);
    archive_write_open_filename(writer, path.c_str());
    for (const auto& [name, text] : files) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
        archive_write_header(writer, entry);
        archive_write_data(writer, text.data(), text.size());
        archive_entry_free(entry);
    }
    archive_write_free(writer);
}

class TemporaryFolder final {
  public:
    TemporaryFolder() {
        SystemRandom random;
        path_ = fs::temp_directory_path() / ("ac-runtime-" + random_alphanumeric(random, 12));
        fs::create_directories(path_);
    }
    ~TemporaryFolder() {
        std::error_code error;
        fs::remove_all(path_, error);
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// Keys are names of files of a folder.
class FolderSource final : public ArtifactSource {
  public:
    explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}
    Task<ArtifactFile> fetch(Scope, ArtifactLocation location) override {
        const fs::path path = folder_ / location.key;
        auto text = read_file(path, 64 << 20);
        if (!text) co_return fail(ErrorCode::not_found, "no object " + location.key);
        co_return ArtifactFile{path, sha256_hex(*text), text->size()};
    }

  private:
    fs::path folder_;
};

class Stage final {
  public:
    // `make_sandbox` gets the loop that the service runs on.
    using MakeSandbox = std::function<std::unique_ptr<sandbox::Sandbox>(Loop&)>;

    Stage(MakeSandbox make_sandbox, Timer& timer, RuntimeLimits limits = {},
          PoolOptions waiting = {})
        : timer_(timer),
          source_(folder_.path()),
          pool_(2),
          server_([this](net::Exchange& exchange) { return handle(exchange); }) {
        database_ = storage::open_sqlite({.path = folder_.path() / "test.db"}).value();
        sandbox_ = make_sandbox(server_.loops().main());
        config_ = {.folder = folder_.path() / "runtime", .limits = limits, .pool = waiting};
        open();
    }
    ~Stage() { close(); }

    // A restart of the service over the same data.
    void open() {
        service_ = make_runtime_service({*database_, *sandbox_, source_, timer_, random_, pool_,
                                         server_.loops().main(), config_})
                       .value();
        EXPECT_TRUE(run(service_->start()));
    }
    void close() {
        if (!service_) return;
        const SteadyTime deadline = timer_.clock().steady() + Seconds{5};
        EXPECT_TRUE(run(service_->drain(deadline)));
        // A caller has its answer before the invocation has given back its session.
        EXPECT_TRUE(eventually([&] { return handling_ == 0; }));
        service_.reset();
    }

    template <class T>
    Result<T> run(Task<T> task) {
        std::unique_ptr<Loop> loop = take_loop();
        auto result = run_on(*loop, std::move(task));
        const std::lock_guard lock(loops_mutex_);
        loops_.push_back(std::move(loop));
        return result;
    }
    // Until `condition` or half a minute is over.
    template <class Condition>
    static bool eventually(Condition condition) {
        for (int i = 0; i < 15'000; ++i) {
            if (condition()) return true;
            ::usleep(2000);
        }
        return false;
    }

    void put(const std::string& key, const Files& files) { write_zip(folder_.path() / key, files); }
    Spec spec(const std::string& key) {
        return {.code = {"bucket", key, ""}, .python = "3.11", .entry_point = {"agent.py"}};
    }
    RuntimeId create(const std::string& name, Spec spec) {
        NewRuntime input{.name = name, .document = "{}", .spec = std::move(spec)};
        runtime_ = run(service_->catalog().create(scope_, std::move(input))).value().id;
        return runtime_;
    }
    // Its status once it is settled.
    RuntimeView settled(const RuntimeId& id) {
        RuntimeView view;
        EXPECT_TRUE(eventually([&] {
            view = run(service_->catalog().get(scope_, id, std::nullopt)).value();
            return view.status != Status::creating && view.status != Status::updating;
        }));
        return view;
    }
    RuntimeId create_ready(const std::string& name, Spec spec) {
        const RuntimeId id = create(name, std::move(spec));
        const RuntimeView view = settled(id);
        EXPECT_EQ(view.status, Status::ready) << view.failure_reason;
        return id;
    }
    SessionAddress address(const std::string& session) {
        return {.scope = scope_, .runtime = runtime_, .session = SessionId(session)};
    }

    net::testing::RawPeer connect() { return server_.connect(); }
    static std::string request(const std::string& session, const std::string& body,
                               const std::string& headers = "") {
        return "POST /DEFAULT/" + session + " HTTP/1.1\r\nHost: x\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    // Everything of the answer, whatever its framing.
    std::string invoke(const std::string& session, const std::string& body,
                       const std::string& headers = "") {
        net::testing::RawPeer peer = connect();
        peer.send(request(session, body, headers + "Connection: close\r\n"));
        return peer.receive_all();
    }

    RuntimeService& service() { return *service_; }
    const Scope& scope() const { return scope_; }
    const fs::path& folder() const { return folder_.path(); }
    net::testing::TestServer& server() { return server_; }

  private:
    struct Handling {
        explicit Handling(std::atomic<int>& all) : all_(all) { ++all_; }
        ~Handling() { --all_; }
        std::atomic<int>& all_;
    };
    Detached handle(net::Exchange& exchange) {
        const std::string path(exchange.request().path());
        const auto slash = path.find('/', 1);
        SessionAddress to = address(path.substr(slash + 1));
        const Handling here(handling_);
        to.endpoint = path.substr(1, slash - 1);
        const Result<> done = co_await service_->invoke(to, "request-1", exchange, exchange.body());
        if (done) co_return;
        if (exchange.started()) {
            exchange.abort();
            co_return;
        }
        net::Response response{.status = 500};
        response.headers.add("Error", std::string(to_string(done.error().code)));
        response.body = done.error().message;
        (void)co_await exchange.respond(std::move(response));
    }

    std::unique_ptr<Loop> take_loop() {
        const std::lock_guard lock(loops_mutex_);
        if (loops_.empty()) return std::make_unique<Loop>();
        auto loop = std::move(loops_.back());
        loops_.pop_back();
        return loop;
    }

    // Callers' loops outlive the service's threads: one that wakes a loop may still be inside its
    // scheduler when the task is done.
    std::mutex loops_mutex_;
    std::vector<std::unique_ptr<Loop>> loops_;
    const Scope scope_{"000000000000", "us-west-2"};
    RuntimeId runtime_;
    Timer& timer_;
    TemporaryFolder folder_;
    FolderSource source_;
    SystemRandom random_;
    ThreadPool pool_;
    std::unique_ptr<storage::Database> database_;
    std::atomic<int> handling_{0};
    net::testing::TestServer server_;
    std::unique_ptr<sandbox::Sandbox> sandbox_;
    RuntimeConfig config_;
    std::unique_ptr<RuntimeService> service_;
};

}  // namespace ac::runtime::testing
