#include "runtime/builder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "runtime/unpack.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

std::string machine_of_host() {
    utsname names{};
    ::uname(&names);
    return names.machine;
}

bool is_there(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
}

// Guests may have written here, so nothing is followed.
bool is_file(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(fs::symlink_status(path, error));
}

// Makes what is below `from` durable, then visible under its final name.
Result<> sync_and_rename(const fs::path& from, const fs::path& to) {
    const UniqueFd folder(::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::syncfs(folder.get()) != 0)
        return fail(errno_error("cannot write a build to disk", errno));
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    // Another run of the same build was first; its result is as good.
    if (errno == EEXIST || errno == ENOTEMPTY) return {};
    return fail(errno_error("cannot keep a build", errno));
}

}  // namespace

Builder::Builder(sandbox::Sandbox& sandbox, InstallDoor* door, ArtifactSource& artifacts,
                 ImageSource* images, ThreadPool& pool, Random& random, fs::path folder,
                 const RuntimeLimits& limits, const BuildOptions& options)
    : box_{sandbox, limits, door},
      artifacts_(artifacts),
      images_(images),
      pool_(pool),
      random_(random),
      folder_(std::move(folder)),
      limits_(limits),
      options_(options),
      machine_(machine_of_host()) {}

Result<> Builder::prepare() {
    std::error_code error;
    fs::remove_all(folder_ / "tmp", error);
    for (const char* name : {"code", "packages", "builds", "tmp"}) {
        fs::create_directories(folder_ / name, error);
        if (error) {
            return fail(ErrorCode::unavailable,
                        "cannot create " + (folder_ / name).string() + ": " + error.message());
        }
    }
    ::chmod(folder_.c_str(), 0700);
    return {};
}

Result<> Builder::keep_only(const std::vector<BuiltVersion>& versions) {
    std::set<fs::path> kept;
    for (const BuiltVersion& one : versions)
        kept.insert({one.code_folder, one.overlay_folder, one.packages_folder});
    for (const char* name : {"code", "packages"}) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(folder_ / name, error)) {
            if (kept.contains(entry.path())) continue;
            AC_TRY(const fs::path gone, new_folder());
            if (::rename(entry.path().c_str(), (gone / "unused").c_str()) != 0)
                return fail(errno_error("remove " + entry.path().string(), errno));
            pool_.post([gone] { const RemoveFolder removed(gone); });
        }
        if (error) return fail(errno_error("read " + (folder_ / name).string(), error.value()));
    }
    return {};
}

fs::path Builder::log_file(const RuntimeId& id, std::int64_t version) const {
    return folder_ / "builds" / (id.text() + "-" + std::to_string(version) + ".log");
}

Task<BuiltVersion> Builder::build(PendingBuild wanted) {
    BuildLog log(log_file(wanted.id, wanted.version), limits_);
    Result<BuiltVersion> built = co_await build_logged(wanted, log);
    if (built) {
        log.note("ready");
        co_return built;
    }
    Error error = std::move(built).error();
    if (!log.tail().empty()) error.message += "\nend of the build log:\n" + log.tail();
    log.note("failed: " + error.message.substr(0, error.message.find('\n')));
    co_return fail(std::move(error));
}

Task<BuiltVersion> Builder::fetch_image(PendingBuild wanted, BuildLog& log) {
    if (images_ == nullptr)
        co_return fail(ErrorCode::not_implemented, "container images cannot be run here");
    log.note("fetching " + wanted.spec.image);
    const std::function<void(const std::string&)> note = [&log](const std::string& line) {
        log.note(line);
    };
    AC_CO_TRY(Image image, co_await images_->fetch(wanted.scope, wanted.spec.image, note));
    BuiltVersion built{.command = std::move(image.command),
                       .image_root = std::move(image.root),
                       .image_environment = std::move(image.environment),
                       .image_folder = std::move(image.folder),
                       .image_user = image.user};
    co_return std::move(built);
}

Task<BuiltVersion> Builder::build_logged(PendingBuild wanted, BuildLog& log) {
    if (!wanted.spec.image.empty()) co_return co_await fetch_image(std::move(wanted), log);
    AC_CO_TRY(const ArtifactFile artifact,
              co_await artifacts_.fetch(wanted.scope, wanted.spec.code));
    AC_CO_TRY(const auto machine, co_await program_machine(wanted.spec, artifact.path));
    if (machine && *machine != machine_)
        co_return fail(ErrorCode::invalid_argument,
                       "entryPoint: " + wanted.spec.entry_point.front() + " is a program for " +
                           *machine + ", and this machine is " + machine_);
    if (machine) co_return co_await build_native(std::move(wanted), artifact, log);
    if (!wanted.spec.node.empty()) co_return co_await build_node(std::move(wanted), artifact, log);
    AC_CO_TRY(const Interpreter interpreter, find_interpreter(wanted.spec.python, options_));
    if (!interpreter.exact) {
        log.note("Python " + wanted.spec.python + " is not installed here, taking " +
                 interpreter.version());
    }
    BuiltVersion built{.interpreter = interpreter.path};
    const fs::path code = folder_ / "code" / (artifact.sha256 + "-" + interpreter.cache_tag());
    built.code_folder = code;
    if (!is_there(code)) {
        log.note("unpacking s3://" + wanted.spec.code.bucket + "/" + wanted.spec.code.key);
        auto making = make_code(artifact, interpreter, code, log);
        AC_CO_CHECK(co_await under_way_.run(code, std::move(making)));
    }
    const Platform platform{machine_, interpreter.minor};
    auto scan = [code, platform] { return scan_vendored(code, platform); };
    AC_CO_TRY(const Vendored vendored, co_await pool_.run(scan));
    AC_CO_TRY(built.overlay_folder, co_await overlay_for(vendored, interpreter, log));
    AC_CO_TRY(built.packages_folder,
              co_await packages_for(code, artifact.sha256, vendored, interpreter, log));
    AC_CO_TRY(EntryCommand entry, co_await checked_entry(wanted.spec, interpreter, built, log));
    built.command = std::move(entry.argv);
    co_return built;
}

Task<> Builder::make_code(ArtifactFile artifact, Interpreter interpreter, fs::path target,
                          BuildLog& log) {
    AC_CO_TRY(const fs::path folder, new_folder());
    const RemoveFolder cleanup(folder);
    AC_CO_CHECK(co_await unpack(std::move(artifact), folder, log));
    BoxRun run = compile_run(interpreter);
    run.code = folder;
    AC_CO_CHECK(co_await run_in_box(box_, std::move(run), log));
    co_return co_await publish(folder, target);
}

Task<> Builder::make_packages(BoxRun run, fs::path target, BuildLog& log) {
    AC_CO_TRY(const fs::path folder, new_folder());
    const RemoveFolder cleanup(folder);
    run.packages = folder;
    const Result<> ran = co_await run_in_box(box_, std::move(run), log);
    if (!ran && ran.error().code == ErrorCode::guest_failed)
        co_return fail(ErrorCode::guest_failed,
                       "the packages could not be installed: " + ran.error().message);
    AC_CO_CHECK(ran);
    co_return co_await publish(folder, target);
}

Task<std::string> Builder::overlay_for(Vendored vendored, Interpreter interpreter, BuildLog& log) {
    const std::string lines = replacements(vendored);
    for (const std::string& path : vendored.foreign_objects)
        log.note(path + " is for another processor and cannot be loaded here");
    if (lines.empty()) co_return std::string();
    const fs::path target =
        folder_ / "packages" / replace_key(lines, interpreter, options_, machine_);
    if (!is_there(target)) {
        log.note("packages in the archive do not fit " + machine_ + " and Python " +
                 interpreter.version() + ", installing them again:\n" + lines);
        auto making = make_packages(replace_run(lines, interpreter, options_), target, log);
        AC_CO_CHECK(co_await under_way_.run(target, std::move(making)));
    }
    co_return target.string();
}

Task<std::string> Builder::packages_for(fs::path code, std::string archive, Vendored vendored,
                                        Interpreter interpreter, BuildLog& log) {
    const auto requirements = find_requirements(code);
    if (!requirements) co_return std::string();
    if (is_vendored(*requirements, vendored)) {
        log.note("what " + requirements->file + " asks for is in the archive");
        co_return std::string();
    }
    const fs::path target =
        folder_ / "packages" / install_key(*requirements, interpreter, options_, machine_, archive);
    if (is_there(target)) {
        log.note("the packages of " + requirements->file + " are here already");
        co_return target.string();
    }
    log.note("installing " + requirements->file);
    BoxRun run = install_run(*requirements, interpreter, options_);
    run.code = code;
    auto making = make_packages(std::move(run), target, log);
    AC_CO_CHECK(co_await under_way_.run(target, std::move(making)));
    co_return target.string();
}

Task<EntryCommand> Builder::checked_entry(Spec spec, Interpreter interpreter, BuiltVersion built,
                                          BuildLog& log) {
    const HasFile has_file = [&](Part part, const std::string& relative) {
        const auto path = entry_path(relative, limits_);  // no climbing out of the archive
        const std::string& folder = part == Part::code      ? built.code_folder
                                    : part == Part::overlay ? built.overlay_folder
                                                            : built.packages_folder;
        return path && !folder.empty() && is_file(fs::path(folder) / *path);
    };
    AC_CO_TRY(EntryCommand entry, entry_command(spec.entry_point, interpreter, has_file));
    if (!entry.note.empty()) log.note(entry.note);
    const fs::path script(entry.script);
    const fs::path compiled = script.parent_path() / "__pycache__" /
                              (script.stem().string() + "." + interpreter.cache_tag() + ".pyc");
    if (has_file(Part::code, compiled)) co_return entry;
    BoxRun run = check_run(entry.script, interpreter);
    run.code = built.code_folder;
    const Result<> checked = co_await run_in_box(box_, std::move(run), log);
    if (!checked && checked.error().code == ErrorCode::guest_failed)
        co_return fail(ErrorCode::guest_failed, entry.script + " is not valid Python");
    AC_CO_CHECK(checked);
    co_return entry;
}

Task<> Builder::unpack(ArtifactFile artifact, fs::path folder, BuildLog& log) {
    auto work = [file = artifact.path, folder, limits = limits_] {
        return unpack_zip(file, folder, limits);
    };
    AC_CO_TRY(const Unpacked unpacked, co_await pool_.run(work));
    log.note(std::to_string(unpacked.files) + " files, " + std::to_string(unpacked.bytes) +
             " bytes");
    co_return Result<>{};
}

Task<> Builder::publish(fs::path from, fs::path to) {
    auto work = [from, to] { return sync_and_rename(from, to); };
    return pool_.run(work);
}

Result<fs::path> Builder::new_folder() {
    fs::path folder = folder_ / "tmp" / random_alphanumeric(random_, 16);
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) return fail(ErrorCode::unavailable, "cannot create a folder: " + error.message());
    // The guest that fills it runs as another user; the service's own folder keeps others out.
    ::chmod(folder.c_str(), 0777);
    return folder;
}

}  // namespace ac::runtime
