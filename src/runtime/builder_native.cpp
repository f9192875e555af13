// The part of the builder that makes agents that are programs of the machine's own: in C++, Rust,
// Go.
#include <sys/stat.h>

#include "runtime/builder.h"
#include "runtime/unpack.h"

namespace ac::runtime {

namespace fs = std::filesystem;

// Whatever language the runtime names: the API knows none for programs.
Task<std::optional<std::string>> Builder::program_machine(Spec spec, fs::path archive) {
    if (spec.entry_point.empty()) co_return std::nullopt;
    const auto path = entry_path(spec.entry_point.front(), limits_);  // no climbing out
    if (!path) co_return std::nullopt;
    auto look = [archive, name = *path, limits = limits_]() -> Result<std::optional<std::string>> {
        constexpr std::size_t kHeadBytes = 64;
        return elf_machine(head_of_entry(archive, name, kHeadBytes, limits));
    };
    co_return co_await pool_.run(look);
}

Task<BuiltVersion> Builder::build_native(PendingBuild wanted, ArtifactFile artifact,
                                         BuildLog& log) {
    const std::vector<std::string>& entry = wanted.spec.entry_point;
    AC_CO_TRY(const std::string program, entry_path(entry.front(), limits_));
    const fs::path code = folder_ / "code" / (artifact.sha256 + "-program");
    std::error_code error;
    if (!fs::exists(code, error)) {
        log.note("unpacking s3://" + wanted.spec.code.bucket + "/" + wanted.spec.code.key);
        auto making = make_plain(artifact, code, log);
        AC_CO_CHECK(co_await under_way_.run(code, std::move(making)));
    }
    ::chmod((code / program).c_str(), 0755);  // zip tools often forget
    BuiltVersion built;
    built.code_folder = code;
    built.command = {std::string(kCodePath) + "/" + program};
    built.command.insert(built.command.end(), entry.begin() + 1, entry.end());
    co_return built;
}

Task<> Builder::make_plain(ArtifactFile artifact, fs::path target, BuildLog& log) {
    AC_CO_TRY(const fs::path folder, new_folder());
    const RemoveFolder cleanup(folder);
    AC_CO_CHECK(co_await unpack(std::move(artifact), folder, log));
    co_return co_await publish(folder, target);
}

}  // namespace ac::runtime
