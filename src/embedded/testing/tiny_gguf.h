#pragma once
// For tests: a GGUF file with one tensor, and what a test wants to be wrong with it.

#include <cstdint>
#include <string>
#include <string_view>

namespace ac::embedded::testing {

struct TinyGguf {
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::uint64_t tensors = 1;
    std::uint64_t pairs = 4;
    std::string architecture = "llama";
    std::uint64_t token_count = 2;
    std::uint64_t rows = 32;
    std::uint64_t offset = 0;
    std::uint64_t name_size = 6;
    bool with_weights = true;
    std::string out_ = {};  // filled by build()

    std::string build() {
        out_ = magic;
        put(version);
        put(tensors);
        put(pairs);
        put_text_pair("general.architecture", architecture);
        put_text_pair("general.name", "Tiny");
        put_text_pair("tokenizer.chat_template", "{{ messages }}");
        put_text("tokenizer.ggml.tokens");
        put(std::uint32_t{9});
        put(std::uint32_t{8});
        put(token_count);
        put_text("<s>");
        put_text("a");
        put(name_size);
        out_ += "weight";
        put(std::uint32_t{1});
        put(rows);
        put(std::uint32_t{0});
        put(offset);
        out_.resize((out_.size() + 31) / 32 * 32);
        if (with_weights) out_.append(128, '\x01');
        return out_;
    }

  private:
    template <class T>
    void put(T value) {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void put_text(std::string_view text) {
        put(std::uint64_t{text.size()});
        out_ += text;
    }
    void put_text_pair(std::string_view key, std::string_view value) {
        put_text(key);
        put(std::uint32_t{8});
        put_text(value);
    }
};

}  // namespace ac::embedded::testing
