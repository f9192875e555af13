#include "identity/key_ring.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "base/time_text.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/wipe.h"

namespace ac::identity {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeyFileBytesMax = 1 << 20;
constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kIdLength = 16;

Result<SecretBytes> key_from_base64(std::string_view text) {
    auto bytes = from_base64(text);
    if (!bytes || bytes->size() != kSealKeyBytes)
        return fail(ErrorCode::invalid_argument, "a key is 32 bytes in base64");
    SecretBytes key(*bytes);
    wipe(*bytes);
    return key;
}

class FileKeys final : public KeySource {
  public:
    FileKeys(std::filesystem::path path, Random& random, const Clock& clock)
        : path_(std::move(path)), random_(random), clock_(clock) {}

    Result<std::vector<RingKey>> load() override {
        auto text = read_file(path_, kKeyFileBytesMax);
        if (!text && text.error().code == ErrorCode::not_found) {
            AC_TRY(RingKey first, rotate());
            std::vector<RingKey> keys;
            keys.push_back(std::move(first));
            return keys;
        }
        if (!text) return fail(std::move(text).error());
        AC_CHECK(check_mode());
        auto keys = parse(*text);
        wipe(*text);
        if (!keys || keys->empty())
            return fail(ErrorCode::unavailable, path_.string() + " is damaged");
        return keys;
    }

    Result<RingKey> rotate() override {
        json::array list;
        if (auto text = read_file(path_, kKeyFileBytesMax)) {
            boost::system::error_code error;
            const auto known = json::parse(*text, error);
            wipe(*text);
            if (error || !known.is_object() || !known.as_object().contains("keys"))
                return fail(ErrorCode::unavailable, path_.string() + " is damaged");
            list = known.at("keys").as_array();
        }
        RingKey key{.id = "k-" + random_lower_alphanumeric(random_, kIdLength),
                    .key = SecretBytes::of_size(kSealKeyBytes)};
        random_.fill(std::as_writable_bytes(key.key.bytes()));
        list.push_back(json::object{{"id", key.id},
                                    {"createdAt", to_rfc3339(clock_.wall())},
                                    {"key", to_base64(key.key.view())}});
        const json::object file{{"version", 1}, {"keys", std::move(list)}};
        std::string text = json::serialize(file) + "\n";
        const auto written = write_file(path_, text, 0600);
        wipe(text);
        AC_CHECK(written);
        return key;
    }

  private:
    Result<> check_mode() const {
        struct stat info{};
        if (stat(path_.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
            return fail(ErrorCode::permission_denied,
                        path_.string() + " can be read by others: chmod 600 it");
        return {};
    }

    static Result<std::vector<RingKey>> parse(const std::string& text) {
        boost::system::error_code error;
        const auto parsed = json::parse(text, error);
        std::vector<RingKey> keys;
        if (error || !parsed.is_object()) return keys;
        const auto* const list = parsed.as_object().if_contains("keys");
        if (!list || !list->is_array()) return keys;
        for (const auto& entry : list->as_array()) {
            const auto* const object = entry.if_object();
            if (!object || !object->contains("id") || !object->contains("key"))
                return std::vector<RingKey>();
            const auto* const id = object->at("id").if_string();
            const auto* const bytes = object->at("key").if_string();
            if (!id || !bytes) return std::vector<RingKey>();
            AC_TRY(SecretBytes key,
                   key_from_base64(std::string_view(bytes->data(), bytes->size())));
            keys.push_back({.id = std::string(id->data(), id->size()), .key = std::move(key)});
        }
        return keys;
    }

    const std::filesystem::path path_;
    Random& random_;
    const Clock& clock_;
};

class SecretKeys final : public KeySource {
  public:
    explicit SecretKeys(std::vector<SecretBytes> secrets) : secrets_(std::move(secrets)) {}

    // The id says which secret it was without saying anything about it.
    Result<std::vector<RingKey>> load() override {
        std::vector<RingKey> keys;
        for (const SecretBytes& secret : secrets_) {
            const SecretBytes name = derive_key(secret.view(), "agentcored-vault", "key id");
            keys.push_back(
                {.id = "s-" + to_hex(std::as_bytes(std::span(name.view()))).substr(0, 16),
                 .key = derive_key(secret.view(), "agentcored-vault", "wrapping key")});
        }
        return keys;
    }

    Result<RingKey> rotate() override {
        return fail(ErrorCode::not_implemented,
                    "the vault's key comes from the environment: restart with a new "
                    "AGENTCORED_VAULT_SECRET and the old one in AGENTCORED_VAULT_SECRET_PREVIOUS");
    }

  private:
    std::vector<SecretBytes> secrets_;
};

std::string id_of_arn(std::string_view arn) {
    return "kms-" + sha256_hex(arn).substr(0, 32);
}

Result<SecretBytes> read_customer_key(const CustomerKey& key) {
    auto text = read_file(key.file, kKeyFileBytesMax);
    if (!text) return fail(std::move(text).error());
    if (text->size() == kSealKeyBytes) {
        SecretBytes out(*text);
        wipe(*text);
        return out;
    }
    std::string_view trimmed = *text;
    while (trimmed.ends_with('\n') || trimmed.ends_with(' ')) trimmed.remove_suffix(1);
    auto out = key_from_base64(trimmed);
    wipe(*text);
    if (!out)
        return fail(ErrorCode::invalid_argument, key.file.string() + ": " + out.error().message);
    return out;
}

}  // namespace

std::unique_ptr<KeySource> make_file_keys(std::filesystem::path path, Random& random,
                                          const Clock& clock) {
    return std::make_unique<FileKeys>(std::move(path), random, clock);
}

Result<std::unique_ptr<KeySource>> make_secret_keys(std::vector<SecretBytes> secrets) {
    AC_ASSERT(!secrets.empty());
    for (const SecretBytes& secret : secrets)
        if (secret.size() < kSecretBytesMin)
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("the vault's secret has at least {} characters", kSecretBytesMin));
    return std::make_unique<SecretKeys>(std::move(secrets));
}

Result<std::unique_ptr<KeyRing>> KeyRing::open(std::unique_ptr<KeySource> source,
                                               const std::vector<CustomerKey>& customer_keys) {
    std::unique_ptr<KeyRing> ring(new KeyRing(std::move(source)));
    AC_TRY(auto keys, ring->source_->load());
    for (const CustomerKey& customer : customer_keys) {
        AC_TRY(SecretBytes key, read_customer_key(customer));
        ring->add({.id = id_of_arn(customer.arn), .key = std::move(key)});
    }
    for (RingKey& key : keys) ring->add(std::move(key));
    return ring;
}

void KeyRing::add(RingKey key) {
    const std::lock_guard lock(mutex_);
    current_ = key.id;
    keys_[std::move(key.id)] = std::make_shared<const SecretBytes>(std::move(key.key));
}

std::string KeyRing::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

std::shared_ptr<const SecretBytes> KeyRing::find(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = keys_.find(id);
    return found == keys_.end() ? nullptr : found->second;
}

std::string KeyRing::customer_key_id(std::string_view arn) const {
    std::string id = id_of_arn(arn);
    return find(id) ? id : std::string();
}

Result<std::string> KeyRing::rotate() {
    AC_TRY(RingKey key, source_->rotate());
    std::string id = key.id;
    add(std::move(key));
    return id;
}

}  // namespace ac::identity
