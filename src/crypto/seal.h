#pragma once
// Authenticated encryption: AES-256-GCM (NIST SP 800-38D) with a random nonce, and the envelope
// that the vault keeps records in. An envelope has a data key of its own, wrapped by a
// key-encryption key; giving it another wrapping does not touch the record. Bytes: docs/formats/
// vault.md.

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace ac {

inline constexpr std::size_t kSealKeyBytes = 32;
inline constexpr std::size_t kSealOverheadBytes = 12 + 16;  // nonce, tag

// nonce | ciphertext | tag. `key` is kSealKeyBytes long (asserted). One key seals at most 2^32
// texts (SP 800-38D 8.3): the vault's data keys seal one each.
std::string seal(std::string_view key, std::string_view associated, std::string_view plaintext,
                 Random& random);
// unavailable: other key, other associated data, or the bytes were changed.
Result<SecretBytes> unseal(std::string_view key, std::string_view associated,
                           std::string_view sealed);

// HKDF-SHA-256 (RFC 5869), kSealKeyBytes long.
SecretBytes derive_key(std::string_view secret, std::string_view salt, std::string_view info);

// A key-encryption key and the name by which an envelope says that it needs it.
struct WrappingKey {
    std::string_view id;  // 1 to 255 bytes
    std::string_view key;
};

std::string seal_envelope(WrappingKey wrapping, std::string_view associated,
                          std::string_view plaintext, Random& random);
// The id of the key that wraps it; invalid_argument when these are no envelope.
Result<std::string> envelope_key_id(std::string_view envelope);
Result<SecretBytes> open_envelope(std::string_view key, std::string_view associated,
                                  std::string_view envelope);
// The same record under another key.
Result<std::string> rewrap_envelope(std::string_view old_key, WrappingKey wrapping,
                                    std::string_view associated, std::string_view envelope,
                                    Random& random);

}  // namespace ac
