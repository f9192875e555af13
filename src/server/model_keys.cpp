#include "server/model_keys.h"

#include <map>
#include <mutex>

namespace ac::server {
namespace {

constexpr std::string_view kVaultPrefix = "vault:";
constexpr Seconds kFreshFor{10};

class ModelKeys final : public models::KeySource {
  public:
    ModelKeys(const Clock& clock, identity::IdentityService& identity, std::string account)
        : clock_(clock),
          identity_(identity),
          account_(std::move(account)),
          files_(models::make_file_keys(clock)) {}

    Task<models::Secret> key(std::string name) override {
        if (!name.starts_with(kVaultPrefix)) co_return co_await files_->key(std::move(name));
        if (auto kept = kept_key(name)) co_return kept;
        std::string provider = name.substr(kVaultPrefix.size());
        identity::Caller caller{.scope = {.account = account_, .region = "us-west-2"},
                                .principal = "agentcored",
                                .request_id = {}};
        if (const auto slash = provider.find('/'); slash != std::string::npos) {
            caller.scope.region = provider.substr(0, slash);
            provider.erase(0, slash + 1);
        }
        AC_CO_TRY(SecretBytes found, co_await identity_.credentials().platform_api_key(
                                         std::move(caller), std::move(provider)));
        auto secret = std::make_shared<const SecretBytes>(std::move(found));
        const std::lock_guard lock(mutex_);
        kept_[name] = {.secret = secret, .read_at = clock_.steady()};
        co_return secret;
    }

  private:
    struct Kept {
        models::Secret secret;
        SteadyTime read_at{};
    };

    models::Secret kept_key(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(name);
        const bool fresh =
            found != kept_.end() && clock_.steady() - found->second.read_at < kFreshFor;
        return fresh ? found->second.secret : nullptr;
    }

    const Clock& clock_;
    identity::IdentityService& identity_;
    const std::string account_;
    const std::unique_ptr<models::KeySource> files_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

}  // namespace

std::unique_ptr<models::KeySource> make_model_keys(const Clock& clock,
                                                   identity::IdentityService& identity,
                                                   std::string account) {
    return std::make_unique<ModelKeys>(clock, identity, std::move(account));
}

}  // namespace ac::server
