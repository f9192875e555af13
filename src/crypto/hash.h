#pragma once
// SHA-256, HMAC and constant-time comparison over OpenSSL. Only crypto/ includes its headers.

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ac {

using Sha256 = std::array<std::byte, 32>;

Sha256 sha256(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
inline std::string_view as_text(const Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// MD5 and SHA-1 only where a protocol demands them (S3 ETags), never for security.
std::string md5_hex(std::string_view bytes);

enum class Digest { sha256, sha1, md5 };

// Hash of a stream. After finish() only destruction is allowed.
class Hasher final {
  public:
    explicit Hasher(Digest kind = Digest::sha256);
    ~Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    void update(std::string_view bytes);
    std::string finish();  // raw bytes
    std::string finish_hex();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Time does not depend on where the inputs differ; their lengths are not secret.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace ac
