#include "wire/s3_checksum.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::wire {
namespace {

struct Named {
    S3ChecksumKind kind;
    std::string_view header;
};

constexpr std::array<Named, 5> kNames = {{{S3ChecksumKind::crc32, "x-amz-checksum-crc32"},
                                          {S3ChecksumKind::crc32c, "x-amz-checksum-crc32c"},
                                          {S3ChecksumKind::crc64nvme, "x-amz-checksum-crc64nvme"},
                                          {S3ChecksumKind::sha1, "x-amz-checksum-sha1"},
                                          {S3ChecksumKind::sha256, "x-amz-checksum-sha256"}}};

// Reflected CRC over eight bytes a step (slicing by 8); `Word` is as wide as the CRC.
template <class Word, Word kPolynomial>
class SlicedCrc final : public S3Checksum {
  public:
    void update(std::string_view bytes) override {
        const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
        std::size_t left = bytes.size();
        for (; left >= 8; left -= 8, at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, at, 8);
            word ^= crc_;
            crc_ = 0;
            for (std::size_t i = 0; i < 8; ++i) crc_ ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
        }
        for (; left > 0; --left, ++at)
            crc_ = static_cast<Word>((crc_ >> 8) ^ kTables[0][(crc_ ^ *at) & 0xff]);
    }

    std::string finish_base64() override {
        const Word value = static_cast<Word>(~crc_);
        std::string bytes;
        for (std::size_t i = sizeof(Word); i-- > 0;)
            bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
        return to_base64(bytes);
    }

  private:
    using Tables = std::array<std::array<Word, 256>, 8>;

    static constexpr Tables make_tables() {
        Tables tables{};
        for (std::size_t i = 0; i < 256; ++i) {
            Word crc = static_cast<Word>(i);
            for (int bit = 0; bit < 8; ++bit)
                crc = static_cast<Word>((crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0));
            tables[0][i] = crc;
        }
        for (std::size_t slice = 1; slice < 8; ++slice)
            for (std::size_t i = 0; i < 256; ++i)
                tables[slice][i] = static_cast<Word>((tables[slice - 1][i] >> 8) ^
                                                     tables[0][tables[slice - 1][i] & 0xff]);
        return tables;
    }

    static constexpr Tables kTables = make_tables();
    Word crc_ = static_cast<Word>(~Word{0});
};

// Polynomials, bit-reflected: ISO-HDLC, Castagnoli (RFC 3720), and the NVMe specification's.
using Crc32 = SlicedCrc<std::uint32_t, 0xEDB88320U>;
using Crc32c = SlicedCrc<std::uint32_t, 0x82F63B78U>;
using Crc64Nvme = SlicedCrc<std::uint64_t, 0x9A6C9329AC4BC9B5ULL>;

class DigestChecksum final : public S3Checksum {
  public:
    explicit DigestChecksum(Digest kind) : hasher_(kind) {}
    void update(std::string_view bytes) override { hasher_.update(bytes); }
    std::string finish_base64() override { return to_base64(hasher_.finish()); }

  private:
    Hasher hasher_;
};

}  // namespace

std::string_view header_of(S3ChecksumKind kind) {
    return kNames[static_cast<std::size_t>(kind)].header;
}

std::optional<S3ChecksumKind> checksum_of_header(std::string_view name) {
    for (const Named& named : kNames)
        if (equals_ignoring_case(named.header, name)) return named.kind;
    return std::nullopt;
}

std::unique_ptr<S3Checksum> make_checksum(S3ChecksumKind kind) {
    switch (kind) {
        case S3ChecksumKind::crc32:
            return std::make_unique<Crc32>();
        case S3ChecksumKind::crc32c:
            return std::make_unique<Crc32c>();
        case S3ChecksumKind::crc64nvme:
            return std::make_unique<Crc64Nvme>();
        case S3ChecksumKind::sha1:
            return std::make_unique<DigestChecksum>(Digest::sha1);
        case S3ChecksumKind::sha256:
            break;
    }
    return std::make_unique<DigestChecksum>(Digest::sha256);
}

}  // namespace ac::wire
