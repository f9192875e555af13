#include "identity/workload_tokens.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/encoding.h"
#include "crypto/seal.h"
#include "crypto/wipe.h"
#include "identity/store.h"

namespace ac::identity {
namespace {

using storage::Transaction;

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 5;  // version, hour
constexpr std::size_t kKeysMax = 48;
constexpr std::int64_t kHourMs = 3'600'000;

std::uint32_t hour_of(WallTime time) {
    return static_cast<std::uint32_t>(to_epoch_ms(time) / kHourMs);
}

std::string head_of(std::uint32_t hour) {
    std::string head{kVersion};
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(hour >> shift & 0xff);
    return head;
}

std::unexpected<Error> not_valid() {
    return fail(ErrorCode::unauthenticated, "The workload access token is not valid");
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value && value->is_string() ? json::value_to<std::string>(*value) : std::string();
}

store::SecretRow own_key_place() {
    return {.scope = {}, .kind = "token-key", .name = "workload-access-token", .revision = 1};
}

Place place_of(const store::SecretRow& row) {
    return {.scope = row.scope,
            .kind = row.kind,
            .name = row.name,
            .user = row.user,
            .revision = row.revision};
}

}  // namespace

Task<> WorkloadTokens::load() {
    auto find_or_make = [this](Transaction& tx) -> Result<std::string> {
        store::SecretRow row = own_key_place();
        AC_TRY(const auto known, store::find_secret(tx, row));
        if (known) return known->sealed;
        SecretBytes key = SecretBytes::of_size(kSealKeyBytes);
        context_.random.fill(std::as_writable_bytes(key.bytes()));
        row.sealed = context_.vault.seal(place_of(row), key.view(), context_.keys.current());
        AC_CHECK(store::save_secret(tx, row));
        return row.sealed;
    };
    AC_CO_TRY(const std::string sealed, co_await context_.database.write(find_or_make));
    const store::SecretRow row = own_key_place();
    AC_CO_TRY(master_, context_.vault.open(place_of(row), sealed));
    co_return Result<>{};
}

std::shared_ptr<const SecretBytes> WorkloadTokens::key_of(std::uint32_t hour) {
    const std::lock_guard lock(mutex_);
    auto& key = keys_[hour];
    if (!key)
        key = std::make_shared<const SecretBytes>(
            derive_key(master_.view(), head_of(hour), "workload access token"));
    auto found = key;
    if (keys_.size() > kKeysMax) keys_.erase(keys_.begin());
    return found;
}

std::string WorkloadTokens::mint(const WorkloadClaims& claims) {
    const StackWipe wiped;
    json::object out;
    out["a"] = claims.scope.account;
    out["r"] = claims.scope.region;
    out["w"] = claims.workload;
    out["u"] = claims.user.text();
    out["e"] = to_epoch_ms(claims.expires_at);
    if (!claims.user_token.empty()) out["t"] = claims.user_token.view();
    const std::uint32_t hour = hour_of(context_.now());
    const std::string head = head_of(hour);
    std::string text = json::serialize(out);
    const std::string sealed = seal(key_of(hour)->view(), head, text, context_.random);
    wipe(text);
    return to_base64url(head + sealed);
}

Result<WorkloadClaims> WorkloadTokens::verify(std::string_view token) {
    const StackWipe wiped;
    const auto bytes = from_base64url(token);
    if (!bytes || bytes->size() < kHeadBytes || bytes->front() != kVersion) return not_valid();
    const std::string_view head = std::string_view(*bytes).substr(0, kHeadBytes);
    std::uint32_t hour = 0;
    for (const char c : head.substr(1)) hour = hour << 8 | static_cast<unsigned char>(c);
    // No key is derived for a time that no token can be of.
    const std::uint32_t now = hour_of(context_.now());
    const auto hours_max =
        static_cast<std::uint32_t>(context_.limits.workload_token_life.count() / 3600 + 2);
    if (hour > now + 1 || hour + hours_max < now) return not_valid();
    const auto text =
        unseal(key_of(hour)->view(), head, std::string_view(*bytes).substr(kHeadBytes));
    if (!text) return not_valid();
    boost::system::error_code error;
    const auto parsed = json::parse(text->view(), error);
    if (error || !parsed.is_object()) return not_valid();
    const auto& object = parsed.as_object();
    WorkloadClaims claims{
        .scope = {.account = text_in(object, "a"), .region = text_in(object, "r")},
        .workload = text_in(object, "w"),
        .user = UserKey::stored(text_in(object, "u")),
        .user_token = {},
        .expires_at = from_epoch_ms(object.at("e").as_int64())};
    if (const auto* const user_token = object.if_contains("t"))
        claims.user_token = SecretBytes(std::string_view(user_token->as_string()));
    if (claims.expires_at <= context_.now())
        return fail(ErrorCode::unauthenticated, "The workload access token has expired");
    return claims;
}

}  // namespace ac::identity
