#pragma once
// Turns an uploaded zip into something that can be started: unpacked, compiled, with what it
// requires installed. Every part is cached by its content. Runs on one loop.
//
// Layout below the service's folder (docs/formats/runtime-folder.md):
//   code/<sha256 of the zip>-<python>   packages/<key>   builds/<runtime>-<version>.log   tmp/

#include <filesystem>

#include "async/thread_pool.h"
#include "base/random.h"
#include "runtime/build_log.h"
#include "runtime/catalog.h"
#include "runtime/image_source.h"
#include "runtime/installer.h"
#include "runtime/single_flight.h"
#include "runtime/vendored.h"

namespace ac::runtime {

class Builder final {
  public:
    // All outlive the builder.
    Builder(sandbox::Sandbox& sandbox, ArtifactSource& artifacts, ImageSource* images,
            ThreadPool& pool, Random& random, std::filesystem::path folder,
            const RuntimeLimits& limits, const BuildOptions& options);

    // Makes the folders and removes what an interrupted build left.
    Result<> prepare();
    // The Error's message is what failureReason shall say, with the end of the log.
    Task<BuiltVersion> build(PendingBuild wanted);
    std::filesystem::path log_file(const RuntimeId& id, std::int64_t version) const;

  private:
    Task<BuiltVersion> build_logged(PendingBuild wanted, BuildLog& log);
    Task<BuiltVersion> fetch_image(PendingBuild wanted, BuildLog& log);
    Task<> make_code(ArtifactFile artifact, Interpreter interpreter, std::filesystem::path target,
                     BuildLog& log);
    Task<> make_packages(BoxRun run, std::filesystem::path target, BuildLog& log);
    Task<std::string> overlay_for(Vendored vendored, Interpreter interpreter, BuildLog& log);
    Task<std::string> packages_for(std::filesystem::path code, std::string archive,
                                   Vendored vendored, Interpreter interpreter, BuildLog& log);
    // The entry point as a program of its own, when the archive's file is one for this processor
    // (an agent in C++); nullopt: a script.
    Result<std::optional<EntryCommand>> native_entry(const Spec& spec,
                                                     const BuiltVersion& built) const;
    Task<EntryCommand> checked_entry(Spec spec, Interpreter interpreter, BuiltVersion built,
                                     BuildLog& log);
    Task<> publish(std::filesystem::path from, std::filesystem::path to);
    Result<std::filesystem::path> new_folder();

    sandbox::Sandbox& sandbox_;
    ArtifactSource& artifacts_;
    ImageSource* const images_;  // nullptr: no images
    ThreadPool& pool_;
    Random& random_;
    const std::filesystem::path folder_;
    const RuntimeLimits& limits_;
    const BuildOptions& options_;
    const std::string machine_;
    SingleFlight under_way_;
};

}  // namespace ac::runtime
