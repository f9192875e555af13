#pragma once
// What `agentcore models ...` asks for, as values.

#include <string>

namespace ac::cli {

struct ModelsListOptions {};

struct ModelsAddOptions {
    std::string file;
    std::string name;  // empty: the file's, without .gguf
    bool make_default = false;
};

struct ModelsRemoveOptions {
    std::string name;
};

struct ModelsDefaultOptions {
    std::string name;
};

struct ModelKeyCreateOptions {
    std::string name;
};

struct ModelKeyListOptions {};

struct ModelKeyDeleteOptions {
    std::string id;
};

}  // namespace ac::cli
