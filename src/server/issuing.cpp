#include "server/issuing.h"

namespace ac::server {

Issuing::Issuing(issuer::IssuerParts parts)
    : issuer_(parts), front_(wire::make_issuer_front(issuer_, parts.random)) {}

std::unique_ptr<Issuing> Issuing::open(const Config& config, issuer::IssuerParts parts) {
    if (!config.issuer_enabled) return nullptr;
    return std::unique_ptr<Issuing>(new Issuing(parts));
}

void Issuing::open_default(const Config& config, const std::string& server_url) {
    std::string url = config.issuer_url;
    if (url.empty()) url = (config.public_url.empty() ? server_url : config.public_url) + "/issuer";
    issuer_.directory().open_default(
        std::move(url),
        signature_algorithm_from(config.issuer_algorithm).value_or(SignatureAlgorithm::es256));
}

}  // namespace ac::server
