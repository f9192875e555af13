#include "server/vault_keys.h"

namespace ac::server {
namespace {

// "arn:...=/path"
Result<std::vector<identity::CustomerKey>> customer_keys(const std::vector<std::string>& entries) {
    std::vector<identity::CustomerKey> out;
    for (const std::string& entry : entries) {
        const auto equals = entry.find('=');
        if (equals == std::string::npos || !entry.starts_with("arn:"))
            return fail(ErrorCode::invalid_argument,
                        "identity.customer_keys: an entry is ARN=FILE");
        out.push_back({.arn = entry.substr(0, equals), .file = entry.substr(equals + 1)});
    }
    return out;
}

}  // namespace

Result<std::unique_ptr<identity::KeyRing>> open_vault_keys(const Config& config,
                                                           std::vector<SecretBytes> secrets,
                                                           Random& random, const Clock& clock) {
    std::unique_ptr<identity::KeySource> source;
    if (secrets.empty()) {
        std::filesystem::path file = config.vault_key_file;
        if (file.empty()) file = config.data_dir / "vault-keys.json";
        source = identity::make_file_keys(std::move(file), random, clock);
    } else {
        AC_TRY(source, identity::make_secret_keys(std::move(secrets)));
    }
    AC_TRY(const auto customers, customer_keys(config.customer_keys));
    return identity::KeyRing::open(std::move(source), customers);
}

}  // namespace ac::server
