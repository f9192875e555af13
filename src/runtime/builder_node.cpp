// The part of the builder that makes agents for Node.js.
#include "runtime/builder.h"
#include "runtime/unpack.h"

namespace ac::runtime {

namespace fs = std::filesystem;

Task<BuiltVersion> Builder::build_node(PendingBuild wanted, ArtifactFile artifact, BuildLog& log) {
    AC_CO_TRY(const NodeInterpreter node, find_node(wanted.spec.node, options_));
    BuiltVersion built{.interpreter = node.path};
    const fs::path code = folder_ / "code" / (artifact.sha256 + "-node");
    built.code_folder = code;
    std::error_code error;
    if (!fs::exists(code, error)) {
        log.note("unpacking s3://" + wanted.spec.code.bucket + "/" + wanted.spec.code.key);
        auto making = make_node_code(artifact, code, log);
        AC_CO_CHECK(co_await under_way_.run(code, std::move(making)));
    }
    AC_CO_TRY(const auto packages, find_node_packages(code));
    if (packages) {
        AC_CO_TRY(built.packages_folder,
                  co_await node_packages_for(code, artifact.sha256, *packages, node, log));
    }
    AC_CO_TRY(NodeCommand command, node_command(wanted.spec.entry_point, node));
    AC_CO_CHECK(co_await check_node_script(code, command.script, node, log));
    built.command = std::move(command.argv);
    co_return built;
}

Task<> Builder::make_node_code(ArtifactFile artifact, fs::path target, BuildLog& log) {
    AC_CO_TRY(const fs::path folder, new_folder());
    const RemoveFolder cleanup(folder);
    AC_CO_CHECK(co_await unpack(std::move(artifact), folder, log));
    std::error_code error;
    fs::create_directory(folder / kNodeModules, error);  // where the packages are mounted
    co_return co_await publish(folder, target);
}

Task<std::string> Builder::node_packages_for(fs::path code, std::string archive,
                                             NodePackages packages, NodeInterpreter node,
                                             BuildLog& log) {
    const fs::path target =
        folder_ / "packages" / node_install_key(packages, node, machine_, archive);
    std::error_code error;
    if (fs::exists(target, error)) {
        log.note("the packages of package.json are here already");
        co_return target.string();
    }
    if (node.npm.empty())
        co_return fail(ErrorCode::unavailable, "package.json asks for packages, and beside " +
                                                   node.path.string() +
                                                   " there is no npm to install them with");
    log.note(packages.is_locked ? "installing package-lock.json" : "installing package.json");
    BoxRun run = node_install_run(packages, node, options_);
    run.code = code;
    auto making = make_packages(std::move(run), target, log);
    AC_CO_CHECK(co_await under_way_.run(target, std::move(making)));
    co_return target.string();
}

Task<> Builder::check_node_script(fs::path code, std::string script, NodeInterpreter node,
                                  BuildLog& log) {
    const auto relative = entry_path(script, limits_);  // no climbing out of the archive
    std::error_code error;
    if (!relative || !fs::is_regular_file(fs::symlink_status(code / *relative, error)))
        co_return fail(ErrorCode::invalid_argument,
                       "entryPoint: the archive has no file " + script);
    auto run = node_check_run(script, node);
    if (!run) co_return Result<>{};
    run->code = code;
    const Result<> checked = co_await run_in_box(box_, *std::move(run), log);
    if (!checked && checked.error().code == ErrorCode::guest_failed)
        co_return fail(ErrorCode::guest_failed, script + " is not valid JavaScript");
    co_return checked;
}

}  // namespace ac::runtime
