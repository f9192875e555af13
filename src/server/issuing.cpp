#include "server/issuing.h"

#include "server/key_box.h"

namespace ac::server {

Result<std::string> Issuing::BoxSealer::seal(std::string_view place, std::string_view plaintext) {
    return box_.seal(place, plaintext);
}

Result<SecretBytes> Issuing::BoxSealer::open(std::string_view place, std::string_view sealed) {
    return box_.open(place, sealed);
}

Issuing::Issuing(std::unique_ptr<access::SecretBox> box, storage::Database& database,
                 const Clock& clock, Random& random, ThreadPool& pool)
    : box_(std::move(box)),
      issuer_({.database = database,
               .sealer = sealer_,
               .clock = clock,
               .random = random,
               .pool = pool}),
      front_(wire::make_issuer_front(issuer_, random)) {}

Result<std::unique_ptr<Issuing>> Issuing::open(const Config& config, storage::Database& database,
                                               const Clock& clock, Random& random,
                                               ThreadPool& pool) {
    if (!config.issuer_enabled) return nullptr;
    AC_TRY(auto box, open_key_box(config.data_dir / "issuer-box-key", random));
    return std::unique_ptr<Issuing>(new Issuing(std::move(box), database, clock, random, pool));
}

void Issuing::open_default(const Config& config, const std::string& server_url) {
    std::string url = config.issuer_url;
    if (url.empty()) url = (config.public_url.empty() ? server_url : config.public_url) + "/issuer";
    issuer_.directory().open_default(
        std::move(url),
        signature_algorithm_from(config.issuer_algorithm).value_or(SignatureAlgorithm::es256));
}

}  // namespace ac::server
