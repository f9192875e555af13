#include <fmt/format.h>

#include "crypto/password.h"
#include "issuer/directory.h"

namespace ac::issuer {
namespace {

constexpr std::size_t kFailuresKept = 10'000;
constexpr std::size_t kPasswordBytesMax = 256;  // Cognito's; scrypt takes any

}  // namespace

Task<std::string> Directory::hash_of(std::string password) {
    if (password.size() > kPasswordBytesMax)
        co_return fail(ErrorCode::invalid_argument, "the password is too long");
    auto work = [password = std::move(password), &random = parts_.random]() -> Result<std::string> {
        return hash_password(password, random);
    };
    co_return co_await parts_.pool.run(std::move(work));
}

Task<User> Directory::create_user(User wanted, std::string password) {
    wanted.id = random_uuid(parts_.random);
    wanted.created_at = parts_.clock.wall();
    if (!password.empty()) {
        AC_CO_TRY(wanted.password_hash, co_await hash_of(std::move(password)));
    }
    auto write = [wanted, max = parts_.limits.users_max](storage::Transaction& tx) -> Result<> {
        AC_TRY(const auto count, store::count_users(tx, wanted.pool));
        if (count >= max)
            return fail(ErrorCode::quota_exceeded, fmt::format("A pool has at most {} users", max));
        AC_TRY(const auto known, store::find_user(tx, wanted.pool, wanted.name));
        if (known) return fail(ErrorCode::conflict, "User account already exists");
        return store::insert_user(tx, wanted);
    };
    AC_CO_CHECK(co_await parts_.database.write(write));
    co_return wanted;
}

Task<> Directory::set_password(std::string pool, std::string name, std::string password,
                               bool must_change) {
    AC_CO_TRY(std::string hash, co_await hash_of(std::move(password)));
    auto write = [pool, name, hash, must_change](storage::Transaction& tx) -> Result<> {
        AC_TRY(auto user, store::find_user(tx, pool, name));
        if (!user) return fail(ErrorCode::not_found, "User does not exist.");
        user->password_hash = hash;
        user->must_change_password = must_change;
        return store::set_password(tx, *user);
    };
    co_return co_await parts_.database.write(write);
}

Task<std::optional<User>> Directory::user(std::string pool, std::string name) {
    auto read = [pool, name](storage::Transaction& tx) { return store::find_user(tx, pool, name); };
    co_return co_await parts_.database.read(read);
}

Task<std::optional<User>> Directory::user_by_id(std::string pool, std::string id) {
    auto read = [pool, id](storage::Transaction& tx) {
        return store::find_user_by_id(tx, pool, id);
    };
    co_return co_await parts_.database.read(read);
}

Task<std::vector<User>> Directory::users(std::string pool) {
    auto read = [pool](storage::Transaction& tx) { return store::list_users(tx, pool); };
    co_return co_await parts_.database.read(read);
}

Task<> Directory::remove_user(std::string pool, std::string name) {
    auto write = [pool, name](storage::Transaction& tx) -> Result<> {
        User user{.pool = pool, .name = name};
        AC_TRY(const bool was_there, store::erase_user(tx, user));
        if (!was_there) return fail(ErrorCode::not_found, "User does not exist.");
        return {};
    };
    co_return co_await parts_.database.write(write);
}

bool Directory::is_throttled(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(key);
    if (found == failures_.end()) return false;
    if (parts_.clock.steady() >= found->second.since + parts_.limits.login_pause) {
        failures_.erase(found);
        return false;
    }
    return found->second.count >= parts_.limits.login_failures_max;
}

void Directory::note_failure(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (failures_.size() >= kFailuresKept) failures_.clear();
    Failures& failures = failures_[key];
    if (failures.count++ == 0) failures.since = parts_.clock.steady();
}

// An unknown name takes as long as a wrong password and is told the same.
Task<User> Directory::log_in(std::string pool, std::string name, std::string password) {
    const std::string key = pool + "\n" + name;
    if (is_throttled(key)) co_return fail(ErrorCode::throttled, "Password attempts exceeded");
    note_failure(key);
    AC_CO_TRY(auto found, co_await user(pool, name));
    if (password.size() > kPasswordBytesMax) password.clear();
    auto work = [password = std::move(password),
                 hash = found ? found->password_hash : std::string()]() -> Result<bool> {
        return is_password(password, hash);
    };
    AC_CO_TRY(const bool matches, co_await parts_.pool.run(std::move(work)));
    if (!found || !matches)
        co_return fail(ErrorCode::unauthenticated, "Incorrect username or password.");
    const std::lock_guard lock(mutex_);
    failures_.erase(key);
    co_return *std::move(found);
}

}  // namespace ac::issuer
