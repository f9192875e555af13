#pragma once
// The head of a GGUF model file: what kind of model it is, and whether its tables and offsets stay
// within the file. The server that loads the weights is written in C++ by others and reads this
// head too; a file that lies about its sizes is refused before it gets there, and what it does
// anyway, it does in a sandbox.
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3,
// little-endian.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "embedded/e5_file.h"

namespace ac::embedded {

struct GgufHead {
    std::uint32_t version = 0;
    std::string architecture;  // "llama", "qwen2", ...
    std::string name;          // general.name
    std::string license;       // general.license
    std::uint64_t context_tokens = 0;
    std::uint64_t tensors = 0;
    bool has_chat_template = false;
    bool has_tokenizer = false;
    // It makes texts: not an embedding, vision or speech model.
    bool is_generative() const;
};

// invalid_argument with what is wrong.
Result<GgufHead> parse_gguf(Bytes file);

}  // namespace ac::embedded
