#pragma once
// Fixed-width little-endian integers and length-prefixed texts, for protocol.cpp. The reader never
// reads past its input: after the first thing that does not fit, ok() is false and values are zero.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace ac::sandbox {

class ByteWriter final {
  public:
    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void u32(std::uint32_t value) { raw(value); }
    void u64(std::uint64_t value) { raw(value); }
    void text(std::string_view value) {
        u32(static_cast<std::uint32_t>(value.size()));
        out_.append(value);
    }
    void texts(const std::vector<std::string>& values) {
        u32(static_cast<std::uint32_t>(values.size()));
        for (const std::string& value : values) text(value);
    }
    std::string take() { return std::move(out_); }

  private:
    template <class T>
    void raw(T value) {
        for (std::size_t i = 0; i < sizeof value; ++i)
            out_.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    }
    std::string out_;
};

class ByteReader final {
  public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(raw(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(raw(4)); }
    std::uint64_t u64() { return raw(8); }
    bool boolean() {
        const std::uint8_t value = u8();
        ok_ = ok_ && value <= 1;
        return value == 1;
    }
    std::string text() { return std::string(take(u32())); }
    // How many items follow; false in ok() when that is more than `most`.
    std::size_t count(std::size_t most) {
        const std::uint32_t n = u32();
        ok_ = ok_ && n <= most;
        return ok_ ? n : 0;
    }
    std::vector<std::string> texts(std::size_t most) {
        std::vector<std::string> out;
        const std::size_t n = count(most);
        for (std::size_t i = 0; i < n && ok_; ++i) out.push_back(text());
        return out;
    }
    void refuse() { ok_ = false; }
    bool ok() const { return ok_; }
    bool complete() const { return ok_ && rest_.empty(); }

  private:
    std::string_view take(std::size_t n) {
        if (!ok_ || n > rest_.size()) {
            ok_ = false;
            return {};
        }
        const std::string_view out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }
    std::uint64_t raw(std::size_t width) {
        std::uint64_t value = 0;
        const std::string_view bytes = take(width);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
        return value;
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace ac::sandbox
