#pragma once
// The authorization servers that AWS names, as data: where they are and how they differ. Custom
// providers say all of it themselves.

#include <span>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "identity/types.h"

namespace ac::identity {

enum class Pkce { s256, none };
enum class ScopeSeparator { space, comma };
enum class TokenBody { form, json };

struct Vendor {
    std::string_view name;    // credentialProviderVendor
    std::string_view member;  // of oauth2ProviderConfigInput and ...Output
    std::string_view issuer;  // empty: every customer has their own
    // Whole, or what follows a customer's own issuer when that is given alone.
    std::string_view authorization_endpoint;
    std::string_view token_endpoint;
    ClientAuthentication authentication = ClientAuthentication::post;
    std::span<const std::pair<std::string_view, std::string_view>> authorization_extras = {};
    std::string_view scope_parameter = "scope";
    ScopeSeparator scope_separator = ScopeSeparator::space;
    Pkce pkce = Pkce::s256;
    TokenBody token_body = TokenBody::form;
};

// nullptr: no such vendor.
const Vendor* find_vendor(std::string_view name);
std::span<const Vendor> vendors();

// Fills in what the configuration leaves to the vendor. invalid_argument names what it would have
// had to say.
Result<> complete_endpoints(const Vendor& vendor, OauthConfig& config);

}  // namespace ac::identity
