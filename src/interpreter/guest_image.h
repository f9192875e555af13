#pragma once
// What a session's guest consists of: the files that the agent is made of, an operator's Python
// environment (the "image": packages over the host's Python), and how they are started.

#include <filesystem>
#include <string>

#include "base/file.h"
#include "interpreter/limits.h"
#include "sandbox/template.h"

namespace ac::interpreter {

struct ImageOptions {
    // Where our own files are unpacked, below the data folder.
    std::filesystem::path folder;
    // A Python environment (venv) with the packages that sessions find; empty: /usr/bin/python3
    // and nothing else.
    std::filesystem::path environment;
    std::filesystem::path node;  // empty: the environment's, else /usr/bin/node
};

struct GuestStart {
    sandbox::Policy policy;
    sandbox::Limits limits;
    sandbox::Command command;
};

class GuestImage final {
  public:
    // unavailable: the files cannot be written; invalid_argument: no Python in the environment.
    static Result<GuestImage> open(ImageOptions options);

    // The agent's ends of its standard streams: output is the channel to us.
    struct Streams {
        UniqueFd channel;
        UniqueFd errors;
    };
    // An agent that goes on from the template, with what is imported there and a kernel at once.
    Result<GuestStart> thaw(const sandbox::Template& from, const InterpreterLimits& limits,
                            Streams streams) const;
    // One that starts from nothing.
    Result<GuestStart> start(const InterpreterLimits& limits, Streams streams) const;
    // What becomes the template: make_template().
    GuestStart freeze(const InterpreterLimits& limits) const;

  private:
    GuestStart plain(const InterpreterLimits& limits) const;
    std::string python() const;
    std::filesystem::path files_;  // unpacked, named by their hash
    std::filesystem::path environment_;
    std::filesystem::path node_;  // on the host; empty: there is none
};

}  // namespace ac::interpreter
