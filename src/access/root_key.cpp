#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "access/principal.h"
#include "base/encoding.h"
#include "base/file.h"

namespace ac::access {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeyFileBytesMax = 4096;

class RootKey final : public KeyStore {
  public:
    explicit RootKey(AccessKey key) : key_(std::move(key)) {}

    std::optional<AccessKey> find(std::string_view id) const override {
        if (id != key_.id) return std::nullopt;
        return key_;
    }

  private:
    AccessKey key_;
};

// AWS's own shapes: 20 characters that start with AKIA, a secret of 40.
AccessKey make_key(Random& random) {
    std::string tail;
    while (tail.size() < 16) {
        for (char c : random_alphanumeric(random, 16))
            if ((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')) tail += c;
    }
    return {.id = "AKIA" + tail.substr(0, 16), .secret = random_alphanumeric(random, 40)};
}

Result<AccessKey> parse_key(const std::string& text) {
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::object* object = parsed.if_object();
    if (error || !object || !object->contains("accessKeyId") ||
        !object->contains("secretAccessKey") || !object->at("accessKeyId").is_string() ||
        !object->at("secretAccessKey").is_string())
        return fail(ErrorCode::unavailable, "root-access-key.json is damaged");
    return AccessKey{.id = std::string(object->at("accessKeyId").as_string()),
                     .secret = std::string(object->at("secretAccessKey").as_string())};
}

}  // namespace

Result<std::unique_ptr<KeyStore>> open_root_key(const std::string& folder, Random& random,
                                                std::string account) {
    const auto path = std::filesystem::path(folder) / "root-access-key.json";
    AccessKey key;
    if (auto text = read_file(path, kKeyFileBytesMax)) {
        AC_TRY(key, parse_key(*text));
    } else if (text.error().code == ErrorCode::not_found) {
        key = make_key(random);
        const json::object file = {{"accessKeyId", key.id}, {"secretAccessKey", key.secret}};
        AC_CHECK(write_file(path, json::serialize(file) + "\n", 0600));
    } else {
        return fail(text.error());
    }
    key.principal = {.account = account, .arn = fmt::format("arn:aws:iam::{}:root", account)};
    return std::make_unique<RootKey>(std::move(key));
}

}  // namespace ac::access
