#include "access/root_key.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"

namespace ac::access {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeyFileBytesMax = 4096;
constexpr std::size_t kSecretCharacters = 40;
constexpr std::size_t kKeyIdCharacters = 20;

Result<KeyPair> parse_key(const std::string& text) {
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::object* object = parsed.if_object();
    if (error || !object || !object->contains("accessKeyId") ||
        !object->contains("secretAccessKey") || !object->at("accessKeyId").is_string() ||
        !object->at("secretAccessKey").is_string())
        return fail(ErrorCode::unavailable, "root-access-key.json is damaged");
    const json::string& secret = object->at("secretAccessKey").get_string();
    return KeyPair{.id = std::string(object->at("accessKeyId").as_string()),
                   .secret = std::make_shared<const SecretBytes>(
                       std::string_view(secret.data(), secret.size()))};
}

}  // namespace

std::string make_unique_id(Random& random, std::string_view prefix, std::size_t length) {
    std::string out(prefix);
    while (out.size() < length) {
        for (const char c : random_alphanumeric(random, length))
            if (out.size() < length && ((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'))) out += c;
    }
    return out;
}

KeyPair make_key_pair(Random& random, std::string_view prefix) {
    return {.id = make_unique_id(random, prefix, kKeyIdCharacters),
            .secret = std::make_shared<const SecretBytes>(
                random_alphanumeric(random, kSecretCharacters))};
}

Result<KeyPair> open_root_key(const std::string& folder, Random& random) {
    const auto path = std::filesystem::path(folder) / "root-access-key.json";
    auto text = read_file(path, kKeyFileBytesMax);
    if (text) return parse_key(*text);
    if (text.error().code != ErrorCode::not_found) return fail(text.error());
    KeyPair key = make_key_pair(random, "AKIA");
    const json::object file = {{"accessKeyId", key.id}, {"secretAccessKey", key.secret->view()}};
    AC_CHECK(write_file(path, json::serialize(file) + "\n", 0600));
    return key;
}

}  // namespace ac::access
