#pragma once
// What `agentcore issuer ...` asks for, as values.

#include <string>
#include <vector>

namespace ac::cli {

struct IssuerOptions {
    std::string verb;  // show, rotate-keys
};

struct IssuerClientOptions {
    std::string verb;  // add, list, remove
    std::string name;  // remove: the client's id
    std::vector<std::string> grants;
    std::vector<std::string> redirect_uris;
    std::vector<std::string> scopes;
    std::vector<std::string> audiences;
    bool is_public = false;
};

struct IssuerUserOptions {
    std::string verb;  // add, list, remove
    std::string name;
    std::string email;
    std::string password_file;  // empty: asked for, or a line of stdin
};

}  // namespace ac::cli
