#pragma once
// For tests: a model file of the real format, two layers of 64 dimensions with made-up weights, and
// a vocabulary of a few pieces.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ac::embedded::testing {

class TinyE5 final {
  public:
    std::string build() {
        out_ = "E5S1";
        put<std::uint32_t>(1);
        for (const std::uint32_t n : {64U, 2U, 4U, 128U, kRows, 32U, 2U}) put(n);
        put(1e-12F);
        put<std::uint32_t>(32);
        put_vocabulary();
        put_normalised();
        put_tensors();
        return out_;
    }
    static constexpr std::uint32_t kRows = 16;

  private:
    template <class T>
    void put(T value) {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    void put_vocabulary() {
        const std::vector<std::pair<std::string, float>> pieces = {
            {"<s>", 0},   {"<pad>", 0},   {"</s>", 0},      {"<unk>", 0},
            {"▁", -3},    {"▁hello", -5}, {"▁hell", -4},    {"o", -2},
            {"▁wor", -4}, {"ld", -4},     {"▁한국", -5},    {"어", -4},
            {":", -2},    {"▁query", -4}, {"▁passage", -4}, {"▁world", -6}};
        put(static_cast<std::uint32_t>(pieces.size()));
        for (const std::uint32_t id : {0U, 2U, 1U, 3U}) put(id);
        std::string blob;
        for (const auto& piece : pieces) blob += piece.first;
        put<std::uint64_t>(blob.size());
        std::uint32_t at = 0;
        put(at);
        for (const auto& piece : pieces) put(at += static_cast<std::uint32_t>(piece.first.size()));
        for (const auto& piece : pieces) put(piece.second);
        out_ += blob;
    }

    void put_normalised() {  // H is h, U+FB01 is fi, U+3000 is a space, U+0007 is nothing
        const std::vector<std::pair<std::uint32_t, std::vector<std::uint32_t>>> map = {
            {7, {}}, {'H', {'h'}}, {0x3000, {' '}}, {0xFB01, {'f', 'i'}}};
        put(static_cast<std::uint32_t>(map.size()));
        std::uint32_t size = 0;
        for (const auto& [from, to] : map) size += 5 + 4 * static_cast<std::uint32_t>(to.size());
        put(size);
        for (const auto& [from, to] : map) {
            put(from);
            put(static_cast<std::uint8_t>(to.size()));
            for (const auto point : to) put(point);
        }
    }

    std::uint32_t random() { return seed_ = seed_ * 1664525 + 1013904223; }
    std::string floats(std::size_t count, float around) {
        std::string bytes;
        for (std::size_t i = 0; i < count; ++i) {
            const float value = around + static_cast<float>(random() >> 24) / 2560 - 0.05F;
            bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        }
        return bytes;
    }
    std::string q4(std::size_t count) {
        std::string bytes;
        for (std::size_t block = 0; block < count / 32; ++block) {
            bytes += '\0';
            bytes += '\x28';  // 2^-5
            for (int i = 0; i < 16; ++i) bytes += static_cast<char>(random() >> 24);
        }
        return bytes;
    }

    void add(std::string name, std::uint8_t kind, std::size_t count, float around = 0) {
        tensors_.push_back({std::move(name), kind, static_cast<std::uint32_t>(count),
                            kind == 0 ? floats(count, around) : q4(count)});
    }
    void add_layer(const std::string& prefix) {
        for (const char* name : {"q", "k", "v", "ao"}) {
            add(prefix + name + ".w", 1, 64 * 64);
            add(prefix + name + ".b", 0, 64);
        }
        add(prefix + "fi.w", 1, 128 * 64);
        add(prefix + "fi.b", 0, 128);
        add(prefix + "fo.w", 1, 64 * 128);
        add(prefix + "fo.b", 0, 64);
        for (const char* name : {"aln", "oln"}) {
            add(prefix + name + ".w", 0, 64, 1);
            add(prefix + name + ".b", 0, 64);
        }
    }

    void put_tensors() {
        add("emb.word", 1, kRows * 64);
        add("emb.pos", 0, 32 * 64);
        add("emb.type", 0, 2 * 64);
        add("emb.ln.w", 0, 64, 1);
        add("emb.ln.b", 0, 64);
        add_layer("l0.");
        add_layer("l1.");
        std::size_t at = out_.size() + 4;
        for (const auto& tensor : tensors_) at += 2 + tensor.name.size() + 1 + 4 + 8 + 8;
        put(static_cast<std::uint32_t>(tensors_.size()));
        for (const auto& tensor : tensors_) {
            put(static_cast<std::uint16_t>(tensor.name.size()));
            out_ += tensor.name;
            put(tensor.kind);
            put(tensor.count);
            put<std::uint64_t>(at);
            put<std::uint64_t>(tensor.bytes.size());
            at += tensor.bytes.size();
        }
        for (const auto& tensor : tensors_) out_ += tensor.bytes;
    }

    struct Tensor {
        std::string name;
        std::uint8_t kind;
        std::uint32_t count;
        std::string bytes;
    };
    std::string out_;
    std::vector<Tensor> tensors_;
    std::uint32_t seed_ = 1;
};

inline std::string tiny_e5() {
    return TinyE5().build();
}

}  // namespace ac::embedded::testing
