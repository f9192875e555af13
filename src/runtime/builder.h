#pragma once
// Turns an uploaded zip into something that can be started: unpacked, compiled, with what it
// requires installed. Every part is cached by its content. Runs on one loop.
//
// Layout below the service's folder (docs/formats/runtime-folder.md):
//   code/<sha256 of the zip>-<interpreter>   packages/<key>   builds/<runtime>-<version>.log   tmp/

#include <filesystem>

#include "async/thread_pool.h"
#include "base/random.h"
#include "runtime/build_log.h"
#include "runtime/catalog.h"
#include "runtime/image_source.h"
#include "runtime/installer.h"
#include "runtime/node_build.h"
#include "runtime/single_flight.h"
#include "runtime/vendored.h"

namespace ac::runtime {

// What a build has made is gone at its end, unless it was published.
struct RemoveFolder {
    explicit RemoveFolder(std::filesystem::path p) : path(std::move(p)) {}
    RemoveFolder(const RemoveFolder&) = delete;
    RemoveFolder& operator=(const RemoveFolder&) = delete;
    ~RemoveFolder() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
    std::filesystem::path path;
};

class Builder final {
  public:
    // All outlive the builder.
    Builder(sandbox::Sandbox& sandbox, InstallDoor* door, ArtifactSource& artifacts,
            ImageSource* images, ThreadPool& pool, Random& random, std::filesystem::path folder,
            const RuntimeLimits& limits, const BuildOptions& options);

    // Makes the folders and removes what an interrupted build left.
    Result<> prepare();
    // Removes what no version uses, on the pool. While no build is under way.
    Result<> keep_only(const std::vector<BuiltVersion>& versions);
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
    Task<EntryCommand> checked_entry(Spec spec, Interpreter interpreter, BuiltVersion built,
                                     BuildLog& log);
    // builder_native.cpp
    Task<std::optional<std::string>> program_machine(Spec spec, std::filesystem::path archive);
    Task<BuiltVersion> build_native(PendingBuild wanted, ArtifactFile artifact, BuildLog& log);
    Task<> make_plain(ArtifactFile artifact, std::filesystem::path target, BuildLog& log);
    // builder_node.cpp
    Task<BuiltVersion> build_node(PendingBuild wanted, ArtifactFile artifact, BuildLog& log);
    Task<> make_node_code(ArtifactFile artifact, std::filesystem::path target, BuildLog& log);
    Task<std::string> node_packages_for(std::filesystem::path code, std::string archive,
                                        NodePackages packages, NodeInterpreter node, BuildLog& log);
    Task<> check_node_script(std::filesystem::path code, std::string script, NodeInterpreter node,
                             BuildLog& log);
    // Into an empty folder.
    Task<> unpack(ArtifactFile artifact, std::filesystem::path folder, BuildLog& log);
    Task<> publish(std::filesystem::path from, std::filesystem::path to);
    Result<std::filesystem::path> new_folder();

    Box box_;
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
