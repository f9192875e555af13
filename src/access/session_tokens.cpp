#include "access/session_tokens.h"

#include <boost/json.hpp>

#include "access/root_key.h"
#include "base/encoding.h"
#include "crypto/seal.h"

namespace ac::access {
namespace {

namespace json = boost::json;

constexpr std::string_view kPlace = "session-token/1";
constexpr std::size_t kTokenBytesMax = 16 * 1024;
constexpr std::size_t kOpenTokensMax = 2048;

std::unexpected<Error> not_ours() {
    return fail(Error{.code = ErrorCode::unauthenticated,
                      .message = "The security token included in the request is invalid.",
                      .reason = "UnrecognizedClientException"});
}

std::string to_payload(const TemporaryCredentials& credentials) {
    const Principal& who = credentials.principal;
    json::object tags;
    for (const auto& [key, value] : who.session->tags) tags[key] = value;
    json::array policies;
    for (const std::string& document : credentials.policy_documents)
        policies.emplace_back(document);
    return json::serialize(json::object{{"k", credentials.key_id},
                                        {"s", credentials.secret->view()},
                                        {"a", who.account},
                                        {"r", who.arn},
                                        {"d", static_cast<int>(who.kind)},
                                        {"n", who.name},
                                        {"i", who.identity_arn},
                                        {"u", who.user_id},
                                        {"f", to_epoch_ms(who.session->issued_at)},
                                        {"e", to_epoch_ms(who.session->expires_at)},
                                        {"o", who.session->source_identity},
                                        {"t", std::move(tags)},
                                        {"p", std::move(policies)}});
}

TemporaryCredentials from_payload(std::string_view payload) {
    const json::value parsed = json::parse(payload);
    const json::object& in = parsed.as_object();
    const auto text = [&](std::string_view key) { return json::value_to<std::string>(in.at(key)); };
    auto session = std::make_shared<SessionGrant>();
    session->issued_at = from_epoch_ms(in.at("f").to_number<std::int64_t>());
    session->expires_at = from_epoch_ms(in.at("e").to_number<std::int64_t>());
    session->source_identity = text("o");
    for (const auto& [key, value] : in.at("t").as_object())
        session->tags.emplace(std::string(key), json::value_to<std::string>(value));
    TemporaryCredentials out;
    for (const json::value& item : in.at("p").as_array()) {
        out.policy_documents.push_back(json::value_to<std::string>(item));
        auto policy =
            parse_policy(out.policy_documents.back(), PolicyKind::identity, "session policy");
        AC_ASSERT(policy);  // it was parsed before it was sealed
        session->policies.push_back(*std::move(policy));
    }
    out.key_id = text("k");
    out.secret = std::make_shared<const SecretBytes>(text("s"));
    out.principal = {.account = text("a"),
                     .arn = text("r"),
                     .kind = static_cast<Principal::Kind>(in.at("d").to_number<int>()),
                     .name = text("n"),
                     .identity_arn = text("i"),
                     .user_id = text("u"),
                     .session = std::move(session)};
    return out;
}

}  // namespace

void SessionTokens::issue(TemporaryCredentials& credentials) const {
    KeyPair pair = make_key_pair(random_, "ASIA");
    credentials.key_id = std::move(pair.id);
    credentials.secret = std::move(pair.secret);
    const SecretBytes payload(to_payload(credentials));
    credentials.token = to_base64(seal(key_.view(), kPlace, payload.view(), random_));
}

Result<std::shared_ptr<const TemporaryCredentials>> SessionTokens::open(
    const std::string& token) const {
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = young_.find(token); found != young_.end()) return found->second;
        if (const auto found = old_.find(token); found != old_.end())
            return young_[token] = found->second;
    }
    AC_TRY(Pointer opened, unseal_token(token));
    const std::lock_guard lock(mutex_);
    if (young_.size() >= kOpenTokensMax) old_ = std::exchange(young_, {});
    young_[token] = opened;
    return opened;
}

Result<SessionTokens::Pointer> SessionTokens::unseal_token(const std::string& token) const {
    if (token.empty() || token.size() > kTokenBytesMax) return not_ours();
    const auto sealed = from_base64(token);
    if (!sealed || sealed->size() <= kSealOverheadBytes) return not_ours();
    const auto payload = unseal(key_.view(), kPlace, *sealed);
    if (!payload) return not_ours();
    TemporaryCredentials out = from_payload(payload->view());
    out.token = token;
    return std::make_shared<const TemporaryCredentials>(std::move(out));
}

}  // namespace ac::access
