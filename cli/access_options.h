#pragma once
// What `agentcore access ...` asks for, as values. `verb` is the last word of the command.

#include <string>
#include <vector>

namespace ac::cli {

struct AccessUserOptions {
    std::string verb;  // list, create, show, delete
    std::string name;
};

struct AccessKeyOptions {
    std::string verb;  // list, create, enable, disable, delete
    std::string key;
    std::string user;  // empty: the caller
};

struct AccessRoleOptions {
    std::string verb;  // list, create, show, delete
    std::string name;
    std::string trust;  // file, ARN or service; empty: the platform's
};

struct AccessPolicyOptions {
    std::string verb;  // list, show, put, delete, attach, detach
    std::string policy;
    std::string file;
    std::string user;
    std::string role;
};

struct AccessSimulateOptions {
    std::vector<std::string> actions;
    std::string as;
    std::vector<std::string> resources;
    std::vector<std::string> context;  // KEY=VALUE
};

}  // namespace ac::cli
