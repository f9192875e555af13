#pragma once
// Flags of commands that need nothing of the parser but to be described. `App` is CLI::App, which
// only arguments.cpp includes.

#include <memory>
#include <utility>

#include "cli/code_options.h"
#include "cli/options.h"

namespace ac::cli {

inline constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 no daemon, 4 not found, "
    "5 the agent answered an error, 6 timed out.";

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeRunOptions>> command) {
    auto [app, o] = command;
    app->add_option("file", o->file, "File, or - for stdin");
    app->add_option("-c,--code", o->code, "The code itself");
    app->add_option("-l,--language", o->language, "python, javascript or typescript");
    app->add_option("-i,--interpreter", o->interpreter, "Code interpreter's id");
    app->add_option("-u,--upload", o->uploads, "Put this file into the session first");
    app->add_option("-d,--download", o->downloads, "Fetch this file of the session afterwards");
    app->add_option("-r,--region", o->region, "Region");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeReplOptions>> command) {
    auto [app, o] = command;
    app->add_option("-l,--language", o->language, "python, javascript or typescript");
    app->add_option("-i,--interpreter", o->interpreter, "Code interpreter's id");
    app->add_option("-r,--region", o->region, "Region");
}

}  // namespace ac::cli
