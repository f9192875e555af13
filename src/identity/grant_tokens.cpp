#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "crypto/wipe.h"
#include "identity/grants.h"

namespace ac::identity {

SecretBytes to_bytes(const GrantTokens& tokens) {
    const StackWipe wiped;
    json::object out;
    out["access"] = tokens.access.view();
    out["refresh"] = tokens.refresh.view();
    out["previous"] = tokens.previous.view();
    out["until"] = to_epoch_ms(tokens.access_until);
    std::string text = json::serialize(out);
    SecretBytes bytes(text);
    wipe(text);
    return bytes;
}

Result<GrantTokens> grant_tokens_from(const SecretBytes& bytes) {
    const StackWipe wiped;
    boost::system::error_code error;
    const auto parsed = json::parse(bytes.view(), error);
    if (error || !parsed.is_object())
        return fail(ErrorCode::internal, "sealed tokens have another form than expected");
    const auto& object = parsed.as_object();
    const auto secret = [&](std::string_view name) {
        return SecretBytes(std::string_view(object.at(name).as_string()));
    };
    return GrantTokens{.access = secret("access"),
                       .refresh = secret("refresh"),
                       .previous = secret("previous"),
                       .access_until = from_epoch_ms(object.at("until").as_int64())};
}

}  // namespace ac::identity
