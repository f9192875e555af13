#include "sandbox/template.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "async/pipe.h"
#include "sandbox/snapshot/format.h"
#include "sandbox/snapshot/tools.h"

namespace ac::sandbox {
namespace {

constexpr Seconds kMakingMax{60};
constexpr std::size_t kSaidMax = 4096;
constexpr int kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// A sealed file in memory that holds `bytes`.
Result<UniqueFd> file_of(const char* name, std::string_view bytes) {
    UniqueFd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return fail(errno_error("memfd_create", errno));
    while (!bytes.empty()) {
        const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
        if (n < 0) return fail(errno_error("write to memory", errno));
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fcntl(file.get(), F_ADD_SEALS, kAllSeals) != 0) return fail(errno_error("seal", errno));
    return file;
}

// One that has a position of its own would need a file to open: these share it, and nobody uses it.
Result<UniqueFd> copy_of(int descriptor) {
    UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!copy) return fail(errno_error("dup", errno));
    return copy;
}

Task<std::string> read_all_of(UniqueFd reading) {
    const auto executor = co_await asio::this_coro::executor;
    PipeReader reader(executor, std::move(reading));
    std::string said;
    std::array<char, 4096> buffer;
    while (true) {
        const auto size = co_await reader.read_some(buffer);
        if (!size || *size == 0) co_return said;
        if (said.size() < kSaidMax) said.append(buffer.data(), *size);
    }
}

}  // namespace

Result<SnapshotTools> make_snapshot_tools() {
    if (snapshot::thaw_program().empty())
        return fail(ErrorCode::unavailable, "templates need an x86-64 machine");
    SnapshotTools tools;
    AC_TRY(tools.program, file_of("thaw", snapshot::thaw_program()));
    AC_TRY(tools.library, file_of("freeze", snapshot::freeze_library()));
    return tools;
}

Result<UniqueFd> make_snapshot_file() {
    UniqueFd file(::memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return fail(errno_error("memfd_create", errno));
    return file;
}

Result<> seal_file(int file) {
    if (::fcntl(file, F_ADD_SEALS, kAllSeals) != 0)
        return fail(ErrorCode::invalid_argument, "a snapshot is still being written to");
    return {};
}

Result<> seal_snapshot(int file) {
    AC_CHECK(seal_file(file));
    snapshot::Header header{};
    const ssize_t n = ::pread(file, &header, sizeof header, 0);
    if (n != static_cast<ssize_t>(sizeof header) || header.magic != snapshot::kMagic ||
        header.regions > snapshot::kRegionsMax)
        return fail(ErrorCode::invalid_argument, "that is no snapshot");
    return {};
}

Result<Command> Template::thaw(Command command) const {
    Command out = std::move(command);
    std::vector<UniqueFd> descriptors;
    for (const int own : {program_.get(), image_.get()}) {
        AC_TRY(UniqueFd copy, copy_of(own));
        descriptors.push_back(std::move(copy));
    }
    for (UniqueFd& further : out.descriptors) descriptors.push_back(std::move(further));
    out.descriptors = std::move(descriptors);
    const std::array<std::string, 3> start{"/proc/self/fd/3", "4", "-1"};
    out.argv.insert(out.argv.begin(), start.begin(), start.end());
    return out;
}

Result<UniqueFd> Template::image() const {
    return copy_of(image_.get());
}

Result<UniqueFd> Template::program() const {
    return copy_of(program_.get());
}

std::uint64_t Template::bytes() const {
    struct stat info{};
    return ::fstat(image_.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

Task<std::shared_ptr<const Template>> make_template(Sandbox& sandbox, Policy policy, Limits limits,
                                                    Command command) {
    AC_CO_TRY(SnapshotTools tools, make_snapshot_tools());
    AC_CO_TRY(UniqueFd image, make_snapshot_file());
    AC_CO_TRY(UniqueFd image_copy, copy_of(image.get()));
    AC_CO_TRY(Pipe errors, make_pipe());
    command.descriptors.clear();
    command.descriptors.push_back(std::move(image_copy));
    command.descriptors.push_back(std::move(tools.library));
    command.standard_error = std::move(errors.writing);
    if (!limits.wall_time_max) limits.wall_time_max = kMakingMax;
    AC_CO_TRY(auto monitor, co_await sandbox.start(std::move(policy), limits, std::move(command)));
    AC_CO_TRY(std::string said, co_await read_all_of(std::move(errors.reading)));
    AC_CO_TRY(const Outcome outcome, co_await monitor->wait());
    if (outcome.reason != Reason::exited || outcome.code != 0)
        co_return fail(ErrorCode::unavailable,
                       fmt::format("the template {}: {}", outcome.detail, said));
    AC_CO_CHECK(seal_snapshot(image.get()));
    co_return std::make_shared<const Template>(std::move(tools.program), std::move(image),
                                               std::move(said));
}

std::string_view template_python() {
    return snapshot::template_python();
}

}  // namespace ac::sandbox
