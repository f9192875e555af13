#pragma once
// What a session's guest consists of: the files that the agent is made of, an operator's Python
// environment (the "image": packages over the host's Python), and how they are started.

#include <boost/json/object.hpp>
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
    // A root file system of sessions' own (an unpacked container image) with a python3; empty: the
    // host's /usr.
    std::filesystem::path root;
    // What runs JavaScript and TypeScript: Deno where there is one, else Node. Empty: the
    // environment's, else the root's.
    std::filesystem::path deno;
    std::filesystem::path node;
};

struct GuestStart {
    sandbox::Policy policy;
    sandbox::Limits limits;
    sandbox::Command command;
};

// The node that comes with an environment as a wheel, else the host's; empty: neither is there.
std::filesystem::path find_node(const std::filesystem::path& environment);

class GuestImage final {
  public:
    // unavailable: the files cannot be written; invalid_argument: no Python in the environment, or
    // in the root.
    static Result<GuestImage> open(ImageOptions options);

    // For people: "Python 3.11.2; JavaScript and TypeScript in Node.js."
    std::string languages() const;

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
    // A program that sessions have: from the host, or at its place in the root.
    struct Program {
        std::filesystem::path host;  // empty: it is there already
        std::string guest;           // empty: there is none
    };
    Program find(const std::filesystem::path& wanted, const std::string& name) const;
    Result<> make_places() const;
    std::string python_version() const;
    GuestStart plain(const InterpreterLimits& limits) const;
    boost::json::object common_options() const;

    std::filesystem::path files_;  // unpacked, named by their hash
    std::filesystem::path environment_;
    std::filesystem::path root_;
    std::string python_;
    Program deno_;
    Program node_;
};

}  // namespace ac::interpreter
