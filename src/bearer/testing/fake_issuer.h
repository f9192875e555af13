#pragma once
// For tests: an issuer whose documents are in memory, that can rotate its key, be away, or keep
// everybody waiting.

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>

#include "bearer/documents.h"
#include "crypto/jwt.h"

namespace ac::bearer::testing {

class FakeIssuer final : public DocumentSource {
  public:
    FakeIssuer() {
        set_document(discovery_url(),
                     R"({"issuer":")" + url() + R"(","jwks_uri":")" + keys_url() + "\"}");
        rotate("k1");
    }

    std::string url() const { return "https://issuer.example/t"; }
    std::string discovery_url() const { return url() + "/.well-known/openid-configuration"; }
    std::string keys_url() const { return url() + "/keys"; }

    // A new key; the old one is gone.
    void rotate(std::string id) {
        id_ = std::move(id);
        key_.emplace(PrivateKey::generate(KeyKind::p256));
        const Jwk jwk{.id = id_, .algorithm = std::nullopt, .key = key_->public_key()};
        boost::json::object set;
        set["keys"] = boost::json::array{to_json(jwk)};
        set_document(keys_url(), boost::json::serialize(set));
    }
    void set_document(const std::string& url, std::string text) {
        documents_[url] = std::move(text);
    }
    void fail_with(std::optional<ErrorCode> code) { failure_ = code; }
    void close_gate() { gate_.emplace(); }
    void open_gate() {
        const auto gate = std::exchange(gate_, std::nullopt);
        if (gate) gate->complete({});
    }

    std::string sign(const boost::json::object& claims, std::string_view key_id = {}) const {
        return sign_jwt(claims, {.key = *key_,
                                 .algorithm = SignatureAlgorithm::es256,
                                 .key_id = key_id.empty() ? std::string_view(id_) : key_id});
    }
    int reads() const { return reads_; }

    Task<Document> get(std::string url) override {
        ++reads_;
        if (gate_) {
            const Completion<void> gate = *gate_;
            AC_CO_CHECK(co_await gate.result());
        }
        if (failure_) co_return fail(*failure_, "the issuer is away");
        const auto found = documents_.find(url);
        if (found == documents_.end()) co_return fail(ErrorCode::unavailable, "no such document");
        co_return Document{.text = found->second, .max_age = std::nullopt};
    }

  private:
    std::map<std::string, std::string> documents_;
    std::string id_;
    std::optional<PrivateKey> key_;
    std::optional<ErrorCode> failure_;
    std::optional<Completion<void>> gate_;
    int reads_ = 0;
};

}  // namespace ac::bearer::testing
