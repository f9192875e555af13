#pragma once
// The checksums that S3 clients send with uploads (x-amz-checksum-*), computed as the bytes go by.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ac::wire {

enum class S3ChecksumKind { crc32, crc32c, crc64nvme, sha1, sha256 };

// "x-amz-checksum-crc32" and back, without case.
std::string_view header_of(S3ChecksumKind kind);
std::optional<S3ChecksumKind> checksum_of_header(std::string_view name);

class S3Checksum {
  public:
    virtual ~S3Checksum() = default;
    virtual void update(std::string_view bytes) = 0;
    virtual std::string finish_base64() = 0;  // big-endian for the CRCs
};

std::unique_ptr<S3Checksum> make_checksum(S3ChecksumKind kind);

}  // namespace ac::wire
