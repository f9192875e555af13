#pragma once
// Where a provider's authorization server is: from its configuration, or from its discovery
// document (RFC 8414, OpenID Connect Discovery), fetched when first needed and kept for a while. A
// document that names another issuer than it was asked of is refused: that is how one server
// passes itself off as another.

#include <boost/json/object.hpp>
#include <map>
#include <mutex>

#include "identity/context.h"
#include "identity/oauth_request.h"

namespace ac::identity {

class Servers final {
  public:
    explicit Servers(Context& context) : context_(context) {}

    // unavailable: the document cannot be had or is not usable; permission_denied: its address is
    // not allowed.
    Task<ServerMetadata> find(const OauthConfig& config);

  private:
    struct Known {
        ServerMetadata metadata;
        SteadyTime until;
    };

    Context& context_;
    std::mutex mutex_;
    std::map<std::string, Known> known_;
};

// Pure: the document that `discovery_url` answered.
Result<ServerMetadata> parse_metadata(std::string_view discovery_url, std::string_view document);

}  // namespace ac::identity
