#include "server/key_box.h"

#include "base/encoding.h"
#include "base/file.h"
#include "crypto/seal.h"

namespace ac::server {
namespace {

constexpr std::size_t kFileBytesMax = 256;

class KeyBox final : public access::SecretBox {
  public:
    KeyBox(SecretBytes key, Random& random) : key_(std::move(key)), random_(random) {}

    Result<std::string> seal(std::string_view place, std::string_view secret) const override {
        return seal_envelope({.id = "file", .key = key_.view()}, place, secret, random_);
    }
    Result<SecretBytes> open(std::string_view place, std::string_view sealed) const override {
        return open_envelope(key_.view(), place, sealed);
    }

  private:
    const SecretBytes key_;
    Random& random_;
};

}  // namespace

Result<std::unique_ptr<access::SecretBox>> open_key_box(const std::filesystem::path& path,
                                                        Random& random) {
    auto text = read_file(path, kFileBytesMax);
    if (!text && text.error().code != ErrorCode::not_found) return fail(text.error());
    if (!text) {
        SecretBytes fresh = SecretBytes::of_size(kSealKeyBytes);
        random.fill(std::as_writable_bytes(fresh.bytes()));
        text = to_base64(fresh.view()) + "\n";
        AC_CHECK(write_file(path, *text, 0600));
    }
    const auto key = from_base64(trim(text->substr(0, text->find('\n'))));
    if (!key || key->size() != kSealKeyBytes)
        return fail(ErrorCode::unavailable, path.string() + " is damaged");
    return std::make_unique<KeyBox>(SecretBytes(*key), random);
}

}  // namespace ac::server
