#include "runtime/agent_templates.h"

#include <algorithm>

#include "base/log.h"
#include "runtime/agent_template_python.h"
#include "runtime/node_build.h"

namespace ac::runtime {
namespace {

// Python gets the texts of its modules as arguments: nothing has to be mounted for them.
constexpr std::string_view kBegin = R"(import sys, types
def module(name, text):
    made = types.ModuleType(name)
    sys.modules[name] = made
    exec(compile(text, name, "exec"), vars(made))
    return made
module("agentcored_template", sys.argv[1])
module("agent_template", sys.argv[2]).main(*sys.argv[3:])
)";
constexpr Milliseconds kLook{200};
constexpr int kLooksMax = 150;
constexpr int kFailuresMax = 3;

bool is_same(const SessionAddress& a, const SessionAddress& b) {
    return a.scope == b.scope && a.runtime == b.runtime && a.endpoint == b.endpoint;
}

// The script that `python SCRIPT` runs; empty: the agent is something else.
std::string script_of(const BuiltVersion& built) {
    const auto& command = built.command;
    if (!built.image_root.empty() || built.interpreter.empty() || command.size() != 2) return {};
    if (is_node(built.interpreter)) return {};
    return command[0] == built.interpreter ? command[1] : std::string();
}

void log_ordinary(const SessionAddress& address, std::int64_t version, const std::string& why) {
    AC_LOG(info, "sessions start without a template", {"runtime", address.runtime.text()},
           {"version", version}, {"why", why});
}

}  // namespace

AgentTemplates::AgentTemplates(sandbox::Sandbox& sandbox, GuestStarter& starter, Timer& timer,
                               const RuntimeLimits& limits, const PoolOptions& options,
                               const std::atomic<std::size_t>& sessions_starting, TaskGroup& tasks)
    : sandbox_(sandbox),
      starter_(starter),
      timer_(timer),
      limits_(limits),
      most_(options.templates_max),
      bytes_most_(options.templates_bytes_max),
      sessions_starting_(sessions_starting),
      tasks_(tasks) {}

AgentTemplates::TemplatePointer AgentTemplates::find(const SessionAddress& address,
                                                     const Resolved& target) {
    if (most_ == 0 || script_of(target.built).empty()) return nullptr;
    const std::lock_guard lock(mutex_);
    if (closed_) return nullptr;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        if (!is_same((*it)->address, address)) continue;
        if ((*it)->version != target.version) {
            entries_.erase(it);
            break;
        }
        entries_.splice(entries_.begin(), entries_, it);
        return entries_.front()->made;
    }
    auto entry = std::make_shared<Entry>();
    entry->address = {
        .scope = address.scope, .runtime = address.runtime, .endpoint = address.endpoint};
    entry->version = target.version;
    entries_.push_front(entry);
    if (entries_.size() > most_) entries_.pop_back();
    tasks_.spawn("agent template", make(std::move(entry), target));
    return nullptr;
}

bool AgentTemplates::is_making(const SessionAddress& address) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(entries_, [&](const EntryPointer& entry) {
        return entry->is_making && is_same(entry->address, address);
    });
}

void AgentTemplates::note_start(const SessionAddress& address, std::int64_t version, bool worked) {
    const std::lock_guard lock(mutex_);
    for (const EntryPointer& entry : entries_) {
        if (!is_same(entry->address, address) || entry->version != version || !entry->made)
            continue;
        entry->failures = worked ? 0 : entry->failures + 1;
        if (entry->failures < kFailuresMax) return;
        entry->made.reset();
        log_ordinary(entry->address, version, "sessions that started from it failed");
    }
}

void AgentTemplates::discard(const Scope& scope, const Resource& resource) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const EntryPointer& entry) {
        return entry->address.scope == scope && entry->address.runtime == resource.runtime &&
               (resource.endpoint.empty() || entry->address.endpoint == resource.endpoint);
    });
}

void AgentTemplates::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    entries_.clear();
}

std::size_t AgentTemplates::count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(
        entries_, [](const EntryPointer& entry) { return entry->made != nullptr; }));
}

Detached AgentTemplates::make(EntryPointer entry, Resolved target) {
    const SteadyTime begun = timer_.clock().steady();
    const auto made = co_await try_to_make(target, entry->address);
    {
        const std::lock_guard lock(mutex_);
        if (made) entry->made = *made;
        entry->is_making = false;
        bound_bytes();
    }
    const auto took = std::chrono::duration_cast<Milliseconds>(timer_.clock().steady() - begun);
    if (made) {
        AC_LOG(info, "sessions start from a template", {"runtime", entry->address.runtime.text()},
               {"version", entry->version}, {"ms", took.count()},
               {"megabytes", (*made)->bytes() >> 20}, {"left_to_sessions", (*made)->said()});
    } else if (made.error().code != ErrorCode::cancelled) {
        log_ordinary(entry->address, entry->version, made.error().message);
    }
}

// Those used last stay. One that alone is too large is given up: its version would else make it
// again and again.
void AgentTemplates::bound_bytes() {
    if (bytes_most_ == 0) return;
    std::uint64_t held = 0;
    for (auto it = entries_.begin(); it != entries_.end();) {
        Entry& entry = **it;
        const std::uint64_t bytes = entry.made ? entry.made->bytes() : 0;
        if (held + bytes <= bytes_most_) {
            held += bytes;
            ++it;
        } else if (held == 0) {
            entry.made.reset();
            log_ordinary(entry.address, entry.version, "its template is too large");
            ++it;
        } else {
            it = entries_.erase(it);
        }
    }
}

Task<AgentTemplates::TemplatePointer> AgentTemplates::try_to_make(const Resolved& target,
                                                                  const SessionAddress& address) {
    AC_CO_CHECK(co_await await_quiet());
    GuestPlan plan = starter_.plan(address.scope, address.runtime, address.endpoint, target);
    sandbox::Command command{.argv = {target.built.interpreter, "-c", std::string(kBegin),
                                      std::string(sandbox::template_python()),
                                      std::string(kAgentTemplatePython), script_of(target.built)},
                             .environment = plan.environment,
                             .folder = plan.folder};
    AC_CO_TRY(auto made, co_await sandbox::make_template(sandbox_, std::move(plan.policy),
                                                         plan.limits, std::move(command)));
    AC_CO_CHECK(co_await try_out(address, target, made));
    co_return std::move(made);
}

// Sessions that are being started come first; not for ever.
Task<> AgentTemplates::await_quiet() {
    for (int i = 0; i < kLooksMax && sessions_starting_ > 0; ++i) {
        AC_CO_CHECK(co_await sleep_for(timer_, kLook));
    }
    co_return Result<>{};
}

// No caller finds out that an agent does not get on with it.
Task<> AgentTemplates::try_out(const SessionAddress& address, const Resolved& target,
                               TemplatePointer made) {
    const ServerProtocol protocol = target.spec.protocol;
    GuestPlan plan = starter_.plan(address.scope, address.runtime, address.endpoint, target);
    auto output = std::make_shared<GuestOutput>(limits_);
    AC_CO_TRY(Guest guest,
              co_await starter_.start(std::move(plan), protocol, output, std::move(made)));
    auto opened = co_await starter_.listen(*guest.monitor, target.spec);
    const DoorListeners listeners = opened ? *std::move(opened) : DoorListeners{};
    struct Life {
        static Detached watch(std::shared_ptr<sandbox::Monitor> monitor,
                              std::shared_ptr<std::atomic<bool>> ended) {
            (void)co_await monitor->wait();
            *ended = true;
        }
    };
    auto ended = std::make_shared<std::atomic<bool>>(false);
    tasks_.spawn("template trial", Life::watch(guest.monitor, ended));
    const std::function<Result<>()> go_on = [&]() -> Result<> {
        if (*ended) return fail(ErrorCode::guest_failed, "the agent ended");
        if (calls_out(listeners)) return fail(ErrorCode::conflict, "it called the platform");
        return {};
    };
    auto first = co_await starter_.await_listening(*guest.monitor, protocol, go_on);
    Result<> well;
    if (first) {
        guest.connector->keep(*std::move(first));
        well = co_await starter_.ping(guest, protocol);
    } else if (first.error().code != ErrorCode::conflict) {
        // Who calls the platform has come as far as code of its own, and nobody answers it here.
        well = fail(std::move(first).error());
    }
    guest.monitor->stop(Milliseconds{0});
    if (well) co_return Result<>{};
    Error error = std::move(well).error();
    if (const std::string tail = output->log.tail(); !tail.empty()) error.message += ": " + tail;
    co_return fail(std::move(error));
}

}  // namespace ac::runtime
