#include "server/app.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <filesystem>
#include <thread>

#include "access/access_service.h"
#include "access/api_keys.h"
#include "async/run.h"
#include "async/task_group.h"
#include "async/thread_pool.h"
#include "async/timer.h"
#include "base/file.h"
#include "base/log.h"
#include "bearer/authorizer.h"
#include "interpreter/interpreter_service.h"
#include "memory/memory_service.h"
#include "net/http_server.h"
#include "net/outbound.h"
#include "objects/object_store.h"
#include "runtime/runtime_service.h"
#include "server/container_images.h"
#include "server/egress_door.h"
#include "server/guest_door.h"
#include "server/identity.h"
#include "server/issuing.h"
#include "server/key_box.h"
#include "server/memory_delivery.h"
#include "server/memory_embedder.h"
#include "server/memory_model.h"
#include "server/metrics.h"
#include "server/model_keys.h"
#include "server/models.h"
#include "server/object_artifacts.h"
#include "server/pipeline.h"
#include "server/transparent.h"
#include "server/vault_keys.h"
#include "storage/blob_store.h"
#include "storage/database.h"
#include "telemetry/settings.h"
#include "wire/access_gate.h"
#include "wire/api.h"
#include "wire/bedrock_binding.h"
#include "wire/identity_binding.h"
#include "wire/interpreter_binding.h"
#include "wire/issuer_admin.h"
#include "wire/memory_binding.h"
#include "wire/model_front.h"
#include "wire/model_keys_binding.h"
#include "wire/resource_policy_binding.h"
#include "wire/runtime_binding.h"
#include "wire/s3_front.h"
#include "wire/tag_binding.h"
#include "wire/usage_binding.h"

namespace ac::server {
namespace {

constexpr std::size_t kPoolThreads = 4;

std::size_t loop_count(const Config& config) {
    if (config.threads > 0) return config.threads;
    return std::max(1U, std::thread::hardware_concurrency());
}

Result<std::unique_ptr<storage::Database>> open_database(const Config& config) {
    if (!config.postgres.empty()) return storage::open_postgres({.conninfo = config.postgres});
    return storage::open_sqlite({.path = (config.data_dir / "agentcored.sqlite").string()});
}

Result<std::string> make_folder(const Config& config, const char* name) {
    const auto folder = config.data_dir / name;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return fail(ErrorCode::unavailable,
                    fmt::format("cannot make {}: {}", folder.string(), error.message()));
    return folder.string();
}

// An environment beside the program's folder is found without any configuration.
interpreter::ImageOptions interpreter_image(const Config& config) {
    interpreter::ImageOptions options{.folder = config.data_dir / "interpreter",
                                      .environment = config.interpreter_environment,
                                      .root = config.interpreter_root,
                                      .deno = config.interpreter_deno,
                                      .node = config.interpreter_node};
    if (!options.root.empty()) return options;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    for (const char* place : {"../interpreter", "../../interpreter"}) {
        if (!options.environment.empty()) break;
        const auto folder = (program.parent_path() / place).lexically_normal();
        if (std::filesystem::exists(folder / "bin/python", error)) options.environment = folder;
    }
    return options;
}

runtime::RuntimeConfig runtime_config(const AppOptions& options) {
    runtime::RuntimeConfig config;
    config.folder = options.config.data_dir / "runtime";
    config.limits.sessions_max = options.config.sessions_max;
    config.limits.guest_memory_bytes_max = options.config.session_memory_mib_max << 20;
    config.limits.guest_processors_max = options.config.session_processors_max;
    config.limits.init_max = Seconds{options.config.init_seconds_max};
    config.limits.idle_max = options.config.session_idle_max;
    config.pool = options.config.pool;
    for (const std::string& folder : options.config.python_interpreters)
        config.build.interpreters.emplace_back(folder);
    config.build.exact_interpreter = options.config.python_exact;
    config.build.uv = options.config.python_installer;
    config.build.node = options.config.node;
    if (config.build.node.empty())
        config.build.node = interpreter::find_node(interpreter_image(options.config).environment);
    config.build.installer_environment = options.installer_environment;
    return config;
}

std::vector<std::string> index_urls(const AppOptions& options) {
    constexpr std::size_t kSettingsBytesMax = 64 * 1024;
    const auto settings = read_file("/etc/pip.conf", kSettingsBytesMax);
    return runtime::index_urls(options.installer_environment, settings.value_or(std::string()));
}

// nullptr without a certificate.
Result<std::unique_ptr<TlsServer>> open_tls(const Config& config) {
    if (config.tls_certificate.empty() != config.tls_key.empty())
        return fail(ErrorCode::invalid_argument, "tls.certificate and tls.key go together");
    if (config.tls_certificate.empty()) return nullptr;
    return make_tls_server(
        {.certificate_file = config.tls_certificate, .key_file = config.tls_key});
}

Result<std::unique_ptr<net::Outbound>> open_outbound(const Config& config, Timer& timer) {
    net::OutboundOptions options{.guard = {}, .ca_file = config.outbound_ca_file};
    for (const std::string& block : config.outbound_allow) AC_CHECK(options.guard.allow(block));
    return net::make_outbound(std::move(options), timer);
}

std::string url_of(const net::HttpServer& server, bool is_secure) {
    const auto endpoint = server.endpoint();
    std::string host = endpoint.address().to_string();
    if (endpoint.address().is_v6()) host = "[" + host + "]";
    return fmt::format("{}://{}:{}", is_secure ? "https" : "http", host, endpoint.port());
}

// What serves; all outlive the loops' run.
struct Services {
    storage::Database& database;
    objects::ObjectStore& objects;
    runtime::RuntimeService& runtime;
    memory::MemoryService& memory;
    interpreter::InterpreterService& interpreter;
    Models& models;
    GuestDoor& guests;
    EgressDoor& egress;
    bearer::Authorizer& authorizer;
    access::AccessService& access;
    identity::IdentityService& identity;
    EmbeddedModels* embedded;
};

void bind(wire::Api& api, Services services) {
    wire::bind_runtime(api, services.runtime);
    wire::bind_runtime_tokens(api, services.runtime, services.authorizer);
    wire::bind_memory(api, services.memory);
    wire::bind_identity(api, services.identity);
    wire::bind_interpreter(api, services.interpreter);
    std::vector<std::unique_ptr<wire::TagOwner>> tag_owners;
    tag_owners.push_back(wire::make_runtime_tags(services.runtime));
    tag_owners.push_back(wire::make_memory_tags(services.memory));
    tag_owners.push_back(wire::make_identity_tags(services.identity));
    tag_owners.push_back(wire::make_interpreter_tags(services.interpreter));
    wire::bind_tags(api, std::move(tag_owners));
    wire::bind_resource_policies(api, services.access, services.runtime);
    wire::bind_models(api, services.models.service());
    wire::bind_usage(api, services.models.usage());
}

Task<> prepare(Services services) {
    AC_CO_CHECK(co_await services.database.migrate(access::AccessService::migrations()));
    AC_CO_CHECK(co_await services.access.start());
    AC_CO_CHECK(co_await services.objects.migrate());
    AC_CO_CHECK(co_await services.database.migrate(memory::MemoryService::migrations()));
    AC_CO_CHECK(co_await services.database.migrate(models::UsageBook::migrations()));
    AC_CO_CHECK(co_await services.database.migrate(access::ApiKeys::migrations()));
    AC_CO_CHECK(co_await services.database.migrate(issuer::Issuer::migrations()));
    AC_CO_CHECK(co_await services.database.migrate(telemetry::Settings::migrations()));
    AC_CO_CHECK(co_await services.database.migrate(identity::IdentityService::migrations()));
    AC_CO_CHECK(co_await services.identity.prepare());
    AC_CO_CHECK(co_await services.interpreter.prepare());
    co_return co_await services.runtime.start();
}

std::unique_ptr<EmbeddedModels> open_embedded(EmbeddedModels::Parts parts) {
    if (!parts.config.embedded.enabled) return nullptr;
    return std::make_unique<EmbeddedModels>(parts);
}

// What a crash left in the blob store without an object.
Detached sweep_blobs(objects::ObjectStore& objects) {
    const auto swept = co_await objects.sweep();
    if (!swept) {
        AC_LOG(warn, "blobs were not swept", {"reason", swept.error().message});
    } else if (*swept > 0) {
        AC_LOG(info, "blobs without an object removed", {"count", *swept});
    }
}

// Whoever supervises the daemon starts it anew, with a launcher.
void stop_without_launcher(bool& launcher_is_gone) {
    launcher_is_gone = true;
    AC_LOG(error, "the sandbox launcher has ended: nothing can be run any more, stopping");
    (void)::kill(::getpid(), SIGTERM);
}

using Signals = asio::basic_signal_set<Executor>;

// Waits for a signal, then lets what is under way finish.
Detached serve_until_told(Loops& loops, Timer& timer, net::HttpServer& server,
                          Transparent* transparent, Services services, Signals& signals,
                          std::int64_t drain_seconds) {
    const int signal = co_await signals.async_wait(use_task);
    AC_LOG(info, "draining", {"signal", signal}, {"connections", server.connections()});
    const SteadyTime deadline = timer.clock().steady() + Seconds{drain_seconds};
    services.runtime.begin_drain();
    if (const auto drained = co_await server.drain(deadline); !drained)
        AC_LOG(warn, "requests were cut off", {"reason", drained.error().message});
    if (transparent != nullptr) (void)co_await transparent->drain(deadline);
    if (const auto drained = co_await services.runtime.drain(deadline); !drained)
        AC_LOG(warn, "sessions were cut off", {"reason", drained.error().message});
    if (const auto drained = co_await services.interpreter.drain(); !drained)
        AC_LOG(warn, "interpreters were cut off", {"reason", drained.error().message});
    (void)co_await services.guests.drain();
    (void)co_await services.egress.drain();
    if (const auto stopped = co_await services.memory.stop(); !stopped)
        AC_LOG(warn, "memory's work was cut off", {"reason", stopped.error().message});
    if (const auto stopped = co_await services.identity.stop(); !stopped)
        AC_LOG(warn, "identity's work was cut off", {"reason", stopped.error().message});
    if (services.embedded != nullptr) (void)co_await services.embedded->stop();
    if (const auto written = co_await services.models.usage().flush(); !written)
        AC_LOG(warn, "model usage was not written", {"reason", written.error().message});
    (void)co_await services.access.write_uses();
    loops.stop();
}

void start_background(TaskGroup& background, Services services, Executor executor, Timer& timer,
                      const Config& config) {
    background.spawn("identities", services.access.keep_fresh(timer, !config.postgres.empty()));
    background.spawn("sweep blobs", sweep_blobs(services.objects));
    background.spawn("model usage", services.models.usage().run());
    services.memory.start(executor);
    services.identity.start(executor);
}

void add_pool_readings(Metrics& metrics, const runtime::RuntimeService& runtime) {
    const auto reading = [&runtime](auto member) {
        return
            [&runtime, member] { return static_cast<double>(runtime.pool_statistics().*member); };
    };
    using Pool = runtime::PoolStatistics;
    metrics.add_gauge("agentcored_runtime_templates",
                      "Templates that sessions of Python agents start from.",
                      reading(&Pool::templates));
    metrics.add_gauge("agentcored_runtime_pool_guests",
                      "Started guests that wait for a runtime session.", reading(&Pool::waiting));
    metrics.add_counter("agentcored_runtime_pool_taken_total",
                        "New runtime sessions that took a waiting guest.", reading(&Pool::taken));
    metrics.add_counter("agentcored_runtime_pool_missed_total",
                        "New runtime sessions for which no guest waited.", reading(&Pool::missed));
    metrics.add_counter("agentcored_runtime_pool_discarded_total",
                        "Waiting guests that left without a session.", reading(&Pool::discarded));
    metrics.add_counter("agentcored_runtime_pool_failed_total",
                        "Of these, guests that ended or did not answer.", reading(&Pool::failed));
}

void add_graph_readings(Metrics& metrics, const memory::RecordGraphs& graphs) {
    metrics.add_counter("agentcored_memory_graph_vectors_restored_total",
                        "Vectors whose place in a graph came from a file.",
                        [&graphs] { return static_cast<double>(graphs.statistics().restored); });
    metrics.add_counter("agentcored_memory_graph_files_written_total", "Files of graphs written.",
                        [&graphs] { return static_cast<double>(graphs.statistics().written); });
    metrics.add_counter("agentcored_memory_graph_files_refused_total",
                        "Files of graphs that were damaged, or of another version or embedder.",
                        [&graphs] { return static_cast<double>(graphs.statistics().refused); });
}

void add_readings(Metrics& metrics, const storage::Database& database,
                  const runtime::RuntimeService& runtime) {
    add_pool_readings(metrics, runtime);
    metrics.add_gauge("agentcored_runtime_sessions", "Live runtime sessions.",
                      [&runtime] { return static_cast<double>(runtime.session_count()); });
    metrics.add_counter(
        "agentcored_database_transactions_total", "Committed write transactions.",
        [&database] { return static_cast<double>(database.statistics().transactions); });
    metrics.add_counter("agentcored_database_commits_total",
                        "Durable commits that carried them (group commit).",
                        [&database] { return static_cast<double>(database.statistics().commits); });
}

}  // namespace

// tidy: allow function-length: the composition root, one line a component, read top to bottom
Result<> run_app(AppOptions options, std::function<void(const std::string& url)> on_ready) {
    const Config& config = options.config;
    const SystemClock clock;
    SystemRandom random;
    AsioTimer timer(clock);
    Loops loops(loop_count(config));
    ThreadPool pool(kPoolThreads);
    bool launcher_is_gone = false;
    AC_TRY(const auto tls, open_tls(config));
    AC_TRY(const auto transparent, Transparent::open(config, clock));
    AC_TRY(const auto outbound, open_outbound(config, timer));
    AC_TRY(const auto spool_folder, make_folder(config, "spool"));
    SpoolMemory spool_memory(kSpoolMemoryAllMax);
    AC_TRY(const auto database, open_database(config));
    AC_TRY(const auto blobs, storage::open_blob_store(config.data_dir / "blobs", pool));
    AC_TRY(auto root_key, access::open_root_key(config.data_dir, random));
    AC_TRY(const auto vault_keys,
           open_vault_keys(config, std::move(options.vault_secrets), random, clock));
    const KeyBox box(*vault_keys, random);
    access::AccessService access({.database = *database,
                                  .box = box,
                                  .random = random,
                                  .clock = clock,
                                  .root_key = std::move(root_key),
                                  .account = config.account,
                                  .unknown_role = config.unknown_role});
    const auto on_launcher_end = [&launcher_is_gone] { stop_without_launcher(launcher_is_gone); };
    AC_TRY(const auto sandbox,
           sandbox::make_linux_sandbox(std::move(options.launcher), loops.main(), on_launcher_end));
    objects::ObjectStore objects(
        {.database = *database, .blobs = *blobs, .clock = clock, .random = random});
    ObjectArtifacts artifacts(objects, *blobs);
    const auto issuing = Issuing::open(
        config,
        {.database = *database, .sealer = box, .clock = clock, .random = random, .pool = pool});
    issuer::Issuer* const issuer = issuing ? &issuing->issuer() : nullptr;
    const auto documents = bearer::make_document_source(*outbound, clock, issuer);
    bearer::KeyCache issuer_keys(*documents, clock);
    bearer::Authorizer authorizer(issuer_keys, clock);
    AC_TRY(const auto identity, Identity::open({.config = config,
                                                .database = *database,
                                                .pool = pool,
                                                .timer = timer,
                                                .random = random,
                                                .outbound = *outbound,
                                                .authorizer = authorizer,
                                                .keys = *vault_keys}));
    const auto registry_keys = make_model_keys(clock, identity->service(), config.account);
    AC_TRY(const auto images, ContainerImages::open({.artifacts = artifacts,
                                                     .outbound = *outbound,
                                                     .keys = *registry_keys,
                                                     .pool = pool,
                                                     .random = random,
                                                     .clock = clock,
                                                     .folder = config.data_dir / "images",
                                                     .registries = config.registries}));
    GuestDoor guests(loops, clock);
    AC_TRY(const auto egress, EgressDoor::open(config, index_urls(options),
                                               options.installer_environment, loops, timer));
    AC_TRY(const auto runtime,
           runtime::make_runtime_service(
               {.database = *database,
                .sandbox = *sandbox,
                .artifacts = artifacts,
                .timer = timer,
                .random = random,
                .pool = pool,
                .loop = loops.main(),
                .config = runtime_config(options),
                .platform = &guests,
                .identities = &identity->workloads(),
                .egress = egress.get(),
                .images = images.get(),
                .installs = egress->serves_installs() ? egress.get() : nullptr}));
    const auto embedded = open_embedded({.config = config,
                                         .sandbox = *sandbox,
                                         .timer = timer,
                                         .pool = pool,
                                         .loop = loops.main()});
    AC_TRY(const auto models, Models::open({.config = config,
                                            .database = *database,
                                            .timer = timer,
                                            .random = random,
                                            .identity = identity->service(),
                                            .embedded = embedded.get()}));
    access::ApiKeys api_keys(*database, random, clock);
    telemetry::Settings telemetry(*database);
    MemoryModel memory_model(models->service());
    AC_TRY(auto engine, engine_config(config.memory));
    AC_TRY(const auto delivery,
           MemoryDelivery::open(objects, timer, {config.memory.topics, config.memory.streams},
                                config.outbound_ca_file));
    AC_TRY(const auto memory_embedder,
           open_memory_embedder(config.memory.embedding,
                                embedded == nullptr ? nullptr : &embedded->encoder()));
    AC_TRY(const auto graphs_folder, make_folder(config, "memory-graphs"));
    memory::MemoryService memory({.database = *database,
                                  .pool = pool,
                                  .timer = timer,
                                  .random = random,
                                  .limits = {.graph_from = config.memory.graph_from},
                                  .embedder = {memory_embedder.get(), config.memory.embedding},
                                  .engine = std::move(engine),
                                  .model = &memory_model,
                                  .target = delivery.get(),
                                  .is_shared = !config.postgres.empty(),
                                  .graphs_folder = graphs_folder});
    AC_TRY(const auto interpreter,
           interpreter::InterpreterService::open({.database = *database,
                                                  .sandbox = *sandbox,
                                                  .timer = timer,
                                                  .random = random,
                                                  .loop = loops.main(),
                                                  .image = interpreter_image(config),
                                                  .limits = config.interpreter_limits,
                                                  .network = egress.get()}));
    const auto api = wire::make_api(clock);
    const Services services{
        *database, objects, *runtime,   memory, *interpreter,        *models,
        guests,    *egress, authorizer, access, identity->service(), embedded.get()};
    const auto gate = wire::make_access_gate(access.authorizer());
    api->guard_with(*gate);
    bind(*api, services);
    wire::bind_model_keys(*api, api_keys);
    if (transparent) transparent->bind(*api);
    if (issuer != nullptr) wire::bind_issuer(*api, *issuer);
    const auto s3 = wire::make_s3_front(objects);
    const auto model_front = wire::make_model_front(models->service(), *gate, random);
    Metrics metrics;
    add_readings(metrics, *database, *runtime);
    models->add_readings(metrics);
    add_graph_readings(metrics, memory.graphs());
    const PipelineParts parts{.api = *api,
                              .s3 = *s3,
                              .models = *model_front,
                              .api_keys = api_keys,
                              .keys = access,
                              .access = access,
                              .telemetry = telemetry,
                              .gate = *gate,
                              .metrics = metrics,
                              .clock = clock,
                              .random = random,
                              .pool = pool,
                              .spool_folder = spool_folder,
                              .spool_memory = spool_memory,
                              .public_url = config.public_url,
                              .is_secure = tls != nullptr,
                              .issuer = issuer,
                              .issuer_front = issuing ? &issuing->front() : nullptr};
    Pipeline pipeline(parts);
    guests.serve_with(parts);

    AC_CHECK(run_on(loops.main(), prepare(services)));
    Signals signals(loops.main().executor(), SIGTERM, SIGINT);  // also before anyone waits for one
    AC_TRY(const auto server,
           net::make_http_server(loops, clock, pipeline, config.host, config.port, {}, tls.get()));
    const std::string public_url =
        config.public_url.empty() ? url_of(*server, tls != nullptr) : config.public_url;
    runtime->set_public_url(public_url);
    if (transparent) AC_CHECK(transparent->serve(loops, parts));
    asio::co_spawn(loops.main().executor(),
                   serve_until_told(loops, timer, *server, transparent.get(), services, signals,
                                    config.drain_seconds),
                   asio::detached);
    identity->service().set_public_url(public_url);
    TaskGroup background(loops.main().executor());
    start_background(background, services, loops.main().executor(), timer, config);
    background.spawn("rewrap keys", keep_rewrapped(*vault_keys, timer, access, issuer));
    if (issuing) issuing->open_default(config, url_of(*server, tls != nullptr));
    on_ready(url_of(*server, tls != nullptr));
    loops.run();
    if (transparent) transparent->close();
    if (launcher_is_gone)
        return fail(ErrorCode::unavailable, "the sandbox launcher ended while serving");
    return {};
}

}  // namespace ac::server
