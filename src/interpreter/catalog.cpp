#include "interpreter/catalog.h"

#include "crypto/page_token.h"
#include "interpreter/store.h"

namespace ac::interpreter {
namespace {

using storage::Transaction;

constexpr std::size_t kIdTail = 10;
constexpr std::size_t kTagsMax = 50;  // API model

std::string listing_of(const Scope& scope, InterpreterKind kind) {
    return "interpreters/" + scope.account + '/' + scope.region + '/' +
           std::to_string(static_cast<int>(kind));
}

Result<Interpreter> make(Transaction& tx, const Scope& scope, const NewInterpreter& wanted,
                         std::size_t interpreters_max) {
    AC_TRY(const auto known, store::find_by_token(tx, scope, wanted.once.token));
    if (known) {
        if (known->fingerprint != wanted.once.fingerprint) return fail(other_parameters());
        AC_TRY(auto made, store::find(tx, scope, InterpreterId(known->id)));
        if (made) return *std::move(made);
    }
    AC_TRY(const auto same, store::find_by_name(tx, scope, wanted.interpreter.name));
    if (same)
        return fail(ErrorCode::conflict,
                    "a code interpreter named " + wanted.interpreter.name + " exists already");
    AC_TRY(const auto count, store::count(tx, scope));
    if (count >= static_cast<std::int64_t>(interpreters_max))
        return fail(ErrorCode::quota_exceeded, "the limit of " + std::to_string(interpreters_max) +
                                                   " code interpreters is reached");
    AC_CHECK(store::insert(tx, scope, wanted));
    for (const auto& [key, value] : wanted.tags)
        AC_CHECK(store::put_tag(tx, scope, wanted.interpreter.id, key, value));
    return wanted.interpreter;
}

Result<> must_exist(Transaction& tx, const Scope& scope, const InterpreterId& id) {
    AC_TRY(const auto found, store::find(tx, scope, id));
    if (!found) return fail(no_interpreter(id));
    return {};
}

}  // namespace

Interpreter system_interpreter(const std::string& languages) {
    Interpreter system;
    system.id = InterpreterId(std::string(kSystemInterpreter));
    system.name = kSystemInterpreter;
    system.description = "The code interpreter that is always there: no network. " + languages;
    // A fixed time: it was there before anything else.
    system.created_at = system.updated_at = from_epoch_ms(1'735'689'600'000);
    return system;
}

Error no_interpreter(const InterpreterId& id) {
    return {.code = ErrorCode::not_found, .message = "no code interpreter " + id.text()};
}

Error other_parameters() {
    return {.code = ErrorCode::invalid_argument,
            .message = "this clientToken was used with other parameters",
            .reason = "IdempotentParameterMismatchException"};
}

Result<std::string> start_of(const std::string& listing, const PageRequest& page) {
    if (page.token.empty()) return std::string();
    return last_of_page_token(listing, page.token);
}

Task<Interpreter> Catalog::create(Scope scope, NewInterpreter wanted) {
    wanted.interpreter.id =
        InterpreterId(wanted.interpreter.name + '-' + random_alphanumeric(random_, kIdTail));
    wanted.interpreter.created_at = wanted.interpreter.updated_at = clock_.wall();
    const std::size_t most = limits_.interpreters_max;
    auto work = [scope, wanted, most](Transaction& tx) { return make(tx, scope, wanted, most); };
    return database_.write(std::move(work));
}

Task<Interpreter> Catalog::get(Scope scope, InterpreterId id) {
    if (id.text() == kSystemInterpreter) co_return system_interpreter(languages_);
    auto work = [scope, id](Transaction& tx) { return store::find(tx, scope, id); };
    AC_CO_TRY(auto found, co_await database_.read(std::move(work)));
    if (!found) co_return fail(no_interpreter(id));
    co_return *std::move(found);
}

// The system's comes first, on the first page.
Task<Page<Interpreter>> Catalog::list(Scope scope, InterpreterKind kind, PageRequest page) {
    const std::string listing = listing_of(scope, kind);
    AC_CO_TRY(const std::string after, start_of(listing, page));
    const int wanted = page.items_max.value_or(limits_.list_default);
    Page<Interpreter> out;
    if (kind != InterpreterKind::custom && after.empty())
        out.items.push_back(system_interpreter(languages_));
    if (kind == InterpreterKind::system) co_return out;
    auto work = [scope, after, wanted](Transaction& tx) {
        const std::string from = after == kSystemInterpreter ? std::string() : after;
        return store::list(tx, scope, from, wanted + 1);
    };
    AC_CO_TRY(auto found, co_await database_.read(std::move(work)));
    for (Interpreter& item : found) out.items.push_back(std::move(item));
    if (out.items.size() > static_cast<std::size_t>(wanted)) {
        out.items.resize(static_cast<std::size_t>(wanted));
        out.next_token = page_token(listing, out.items.back().id.text());
    }
    co_return out;
}

Task<Interpreter> Catalog::remove(Scope scope, InterpreterId id) {
    if (id.text() == kSystemInterpreter)
        co_return fail(ErrorCode::permission_denied,
                       "the system's code interpreter cannot be deleted");
    auto work = [scope, id](Transaction& tx) -> Result<std::optional<Interpreter>> {
        AC_TRY(auto found, store::find(tx, scope, id));
        if (!found) return std::nullopt;
        AC_TRY([[maybe_unused]] const bool gone, store::erase(tx, scope, id));
        return found;
    };
    AC_CO_TRY(auto removed, co_await database_.write(std::move(work)));
    if (!removed) co_return fail(no_interpreter(id));
    removed->updated_at = clock_.wall();
    co_return *std::move(removed);
}

Task<Tags> Catalog::tags(Scope scope, InterpreterId id) {
    auto work = [scope, id](Transaction& tx) -> Result<Tags> {
        AC_CHECK(must_exist(tx, scope, id));
        return store::tags(tx, scope, id);
    };
    return database_.read(std::move(work));
}

Task<> Catalog::add_tags(Scope scope, InterpreterId id, Tags tags) {
    auto work = [scope, id, tags](Transaction& tx) -> Result<> {
        AC_CHECK(must_exist(tx, scope, id));
        for (const auto& [key, value] : tags) AC_CHECK(store::put_tag(tx, scope, id, key, value));
        AC_TRY(const Tags all, store::tags(tx, scope, id));
        if (all.size() > kTagsMax)
            return fail(ErrorCode::quota_exceeded, "a resource has at most 50 tags");
        return {};
    };
    return database_.write(std::move(work));
}

Task<> Catalog::remove_tags(Scope scope, InterpreterId id, std::vector<std::string> keys) {
    auto work = [scope, id, keys](Transaction& tx) -> Result<> {
        AC_CHECK(must_exist(tx, scope, id));
        for (const std::string& key : keys) AC_CHECK(store::erase_tag(tx, scope, id, key));
        return {};
    };
    return database_.write(std::move(work));
}

}  // namespace ac::interpreter
