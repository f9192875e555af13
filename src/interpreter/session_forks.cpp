// Forks of live sessions: the agent of one writes files and memory down, those of others take them
// up. What is written is sealed before anybody reads it, and is never read by us.

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include "interpreter/sessions.h"
#include "sandbox/template.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t kSessionIdLength = 26;

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
}

}  // namespace

// What one session was when it was written down.
struct Sessions::Continuation {
    UniqueFd memory;  // of the Python kernel; empty where there was none
    UniqueFd archive;
    std::shared_ptr<const sandbox::Template> from;
    std::map<std::string, bool> languages;
    NetworkMode network = NetworkMode::sandbox;
};

Task<AgentEvent> Sessions::answer_of(std::shared_ptr<AgentCall> call) {
    const SteadyTime until = parts_.timer.clock().steady() + parts_.limits.answer_grace;
    while (true) {
        AC_CO_TRY(auto event, call->take());
        if (event && event->is_last()) {
            const std::string error = text_in(event->header, "error");
            if (!error.empty()) co_return fail(ErrorCode::conflict, error);
            co_return *std::move(event);
        }
        if (event) continue;
        if (parts_.timer.clock().steady() >= until)
            co_return fail(ErrorCode::guest_failed, "the session does not answer");
        (void)co_await (call->wait() || parts_.timer.sleep_until(until));
    }
}

Task<Sessions::Continuation> Sessions::write_down(GuestPointer guest) {
    Continuation out;
    AC_CO_TRY(out.memory, sandbox::make_snapshot_file());
    AC_CO_TRY(out.archive, sandbox::make_snapshot_file());
    out.from = guest->from;
    json::object header;
    header["op"] = "fork";
    header["bytesMax"] = parts_.limits.fork_bytes_max;
    const std::array<int, 2> descriptors{out.memory.get(), out.archive.get()};
    AC_CO_TRY(auto call, guest->link->call_with(std::move(header), descriptors));
    AC_CO_TRY(const AgentEvent answer, co_await answer_of(std::move(call)));
    const json::value* const languages = answer.header.if_contains("languages");
    if (languages == nullptr || !languages->is_object())
        co_return fail(ErrorCode::guest_failed, "the session's agent makes no sense");
    for (const auto& [name, has_state] : languages->get_object())
        if (out.languages.size() < 8)
            out.languages[std::string(name).substr(0, 32)] =
                has_state.is_bool() && has_state.get_bool();
    AC_CO_CHECK(sandbox::seal_file(out.archive.get()));
    if (out.languages.contains("python")) {
        AC_CO_CHECK(sandbox::seal_snapshot(out.memory.get()));
    }
    co_return out;
}

Task<Sessions::GuestPointer> Sessions::adopting_guest(const Continuation& from) {
    AC_CO_TRY(GuestPointer guest, co_await take_guest(from.from));
    Result<> connected = co_await connect(guest, from.network);
    if (connected) co_return guest;
    guest->monitor->stop(Milliseconds{0});
    co_return fail(std::move(connected).error());
}

Task<> Sessions::adopt(GuestPointer guest, const Continuation& from) {
    json::object header;
    header["op"] = "adopt";
    header["python"] = from.languages.contains("python");
    header["hasBase"] = from.from != nullptr;
    const std::array<int, 2> descriptors{from.memory.get(), from.archive.get()};
    AC_CO_TRY(auto call, guest->link->call_with(std::move(header), descriptors));
    AC_CO_TRY([[maybe_unused]] const auto answer, co_await answer_of(std::move(call)));
    co_return Result<>{};
}

Task<SessionView> Sessions::go_on(Scope scope, SessionView like, const Continuation& from) {
    AC_CO_CHECK(admit(scope));
    auto guest = co_await adopting_guest(from);
    if (!guest) {
        dismiss(scope);
        co_return fail(std::move(guest).error());
    }
    const WallTime now = parts_.timer.clock().wall();
    like.id = SessionId(random_alphanumeric(parts_.random, kSessionIdLength));
    like.status = SessionStatus::ready;
    like.created_at = now;
    like.updated_at = now;
    // Its row is stored beside that; nobody is told of it before both are done.
    Idempotency once;
    auto both = adopt(*guest, from) && enter(scope, like, std::move(once), *guest);
    auto [adopted, entered] = co_await std::move(both);
    if (adopted) co_return entered;
    (void)co_await stop(std::move(scope), like.interpreter, like.id);
    co_return fail(std::move(adopted).error());
}

Task<SessionFork> Sessions::fork(Scope scope, InterpreterId interpreter, SessionId id,
                                 std::size_t count) {
    AC_CO_TRY(const Live source, live_session(scope, interpreter, id));
    AC_CO_TRY(const Interpreter kind, co_await parts_.catalog.get(scope, interpreter));
    AC_CO_TRY(Continuation written, co_await write_down(source.guest));
    written.network = kind.network;
    SessionFork out{.sessions = {}, .languages = written.languages};
    for (std::size_t i = 0; i < count; ++i) {
        auto made = co_await go_on(scope, source.view, written);
        if (!made) {  // all or none
            for (const SessionView& session : out.sessions)
                (void)co_await stop(scope, session.interpreter, session.id);
            co_return fail(std::move(made).error());
        }
        out.sessions.push_back(*std::move(made));
    }
    co_return out;
}

}  // namespace ac::interpreter
