#include "sandbox/linux/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <sstream>

#include "base/log.h"
#include "sandbox/linux/files.h"

namespace ac::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr int kCpuPeriodUs = 100'000;  // the kernel's default
// What we need, and the layer that is missing without it. cpuacct only measures.
constexpr std::string_view kControllers[] = {"memory", "pids", "cpu"};
constexpr std::string_view kUnified;

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The value of "key value" in a flat-keyed file.
std::uint64_t keyed(const std::string& text, std::string_view key) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
            return number(std::string_view(line).substr(key.size() + 1));
    return 0;
}

void kill_members(const fs::path& group) {
    std::istringstream pids(read_all(group / "cgroup.procs"));
    for (pid_t pid = 0; pids >> pid;)
        if (pid > 1) ::kill(pid, SIGKILL);
}

// Kills and removes a group and those below it. Waits a moment for the dying.
void destroy(const fs::path& group) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(group, error))
        if (entry.is_directory(error)) destroy(entry.path());
    constexpr int kAttempts = 400;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (::rmdir(group.c_str()) == 0 || errno == ENOENT) return;
        (void)write_once(group / "cgroup.kill", "1");
        kill_members(group);
        ::poll(nullptr, 0, 5);
    }
    AC_LOG(warn, "control group could not be removed", {"group", group.string()});
}

}  // namespace

const GuestCgroup::Folder* GuestCgroup::find(std::string_view controller) const {
    for (const Folder& folder : folders_)
        if (folder.controller == controller || folder.controller == kUnified) return &folder;
    return nullptr;
}

Result<> GuestCgroup::set(std::string_view controller, std::string_view v1_file,
                          std::string_view v2_file, const std::string& value) const {
    const Folder* const folder = find(controller);
    if (folder == nullptr) return {};  // a layer that is missing and accepted
    const bool unified = folder->controller == kUnified;
    const auto file = std::string(unified ? v2_file : v1_file);
    if (file.empty()) return {};
    const fs::path path = folder->path / file;
    if (unified && ::access(path.c_str(), F_OK) != 0) return {};
    return write_once(path, value);
}

Result<> GuestCgroup::set_limits(const Limits& limits) {
    const auto memory = std::to_string(limits.memory_bytes_max);
    AC_CHECK(set("memory", "memory.limit_in_bytes", "memory.max", memory));
    // Swap accounting may be off in the kernel: then there is no such file.
    (void)set("memory", "memory.memsw.limit_in_bytes", "memory.swap.max",
              find("memory") && find("memory")->controller == kUnified ? "0" : memory);
    AC_CHECK(set("memory", "", "memory.oom.group", "1"));
    // One more for our own init.
    AC_CHECK(set("pids", "pids.max", "pids.max", std::to_string(limits.processes_max + 1ULL)));
    const auto quota = static_cast<std::int64_t>(
        std::max(1000.0, std::round(limits.processors_max * kCpuPeriodUs)));
    const Folder* const cpu = find("cpu");
    if (cpu == nullptr) return {};
    if (cpu->controller == kUnified)
        return set("cpu", "", "cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs));
    return set("cpu", "cpu.cfs_quota_us", "", std::to_string(quota));
}

// A sixteenth of a guest in the foreground; the others are the kernel's defaults.
Result<> GuestCgroup::set_weight(bool is_background) const {
    const Folder* const cpu = find("cpu");
    if (cpu == nullptr) return {};
    if (cpu->controller == kUnified)
        return set("cpu", "", "cpu.weight", is_background ? "6" : "100");
    return set("cpu", "cpu.shares", "", is_background ? "64" : "1024");
}

int GuestCgroup::clone_into() const {
    for (const Folder& folder : folders_)
        if (folder.controller == kUnified) return folder.entry.get();
    return -1;
}

std::vector<int> GuestCgroup::entries() const {
    std::vector<int> out;
    for (const Folder& folder : folders_)
        if (folder.controller != kUnified && folder.entry) out.push_back(folder.entry.get());
    return out;
}

void GuestCgroup::forget_entries() {
    for (Folder& folder : folders_) folder.entry.reset();
}

bool GuestCgroup::out_of_memory() const {
    const Folder* const memory = find("memory");
    if (memory == nullptr) return false;
    const bool unified = memory->controller == kUnified;
    const char* const file = unified ? "memory.events" : "memory.oom_control";
    return keyed(read_all(memory->path / file), "oom_kill") > 0;
}

Usage GuestCgroup::usage() const {
    Usage usage;
    if (const Folder* memory = find("memory")) {
        const bool unified = memory->controller == kUnified;
        const fs::path& at = memory->path;
        usage.memory_bytes =
            number(read_all(at / (unified ? "memory.current" : "memory.usage_in_bytes")));
        usage.memory_bytes_peak =
            number(read_all(at / (unified ? "memory.peak" : "memory.max_usage_in_bytes")));
    }
    if (const Folder* pids = find("pids")) {
        const std::uint64_t all = number(read_all(pids->path / "pids.current"));
        usage.processes = static_cast<std::uint32_t>(all > 0 ? all - 1 : 0);  // without our init
    }
    const Folder* cpu = find("cpuacct");
    if (cpu == nullptr) cpu = find("cpu");  // one hierarchy for both
    if (cpu != nullptr) {
        usage.cpu_microseconds = cpu->controller == kUnified
                                     ? keyed(read_all(cpu->path / "cpu.stat"), "usage_usec")
                                     : number(read_all(cpu->path / "cpuacct.usage")) / 1000;
    }
    return usage;
}

void GuestCgroup::kill() const {
    for (const Folder& folder : folders_)
        if (folder.controller == kUnified) (void)write_once(folder.path / "cgroup.kill", "1");
}

bool GuestCgroup::remove() {
    bool all = true;
    std::erase_if(folders_, [&all](const Folder& folder) {
        const bool gone = ::rmdir(folder.path.c_str()) == 0 || errno == ENOENT;
        all = all && gone;
        return gone;
    });
    return all;
}

CgroupTree CgroupTree::open(const CgroupLayout& layout, const std::string& instance) {
    CgroupTree tree;
    const std::string name = "agentcored-" + instance;
    const bool on_v1 = layout.v1.contains("memory") || layout.v1.contains("pids");
    if (!on_v1 && layout.v2) {
        tree.open_v2(*layout.v2, name);
        return tree;
    }
    for (const std::string_view controller : {"memory", "pids", "cpu", "cpuacct"}) {
        const auto own = layout.v1.find(controller);
        const std::string layer = fmt::format("cgroup-{}", controller);
        if (own == layout.v1.end()) {
            if (controller != "cpuacct") tree.missing_[layer] = "no such controller is mounted";
            continue;
        }
        const fs::path base = own->second / name;
        if (::mkdir(base.c_str(), 0755) != 0 && errno != EEXIST) {
            if (controller != "cpuacct")
                tree.missing_[layer] = errno_error("create " + base.string(), errno).message;
            continue;
        }
        // cpu and cpuacct are often one hierarchy: one folder then.
        std::error_code error;
        bool same = false;
        for (const Base& other : tree.bases_)
            same = same || fs::equivalent(other.path, base, error);
        if (!same) tree.bases_.push_back({std::string(controller), base});
    }
    return tree;
}

void CgroupTree::open_v2(const fs::path& own, const std::string& name) {
    // A group with processes of its own cannot give controllers to groups below it ("no internal
    // processes"), the root group excepted. Under systemd, Delegate=yes makes `own` ours: we and
    // the daemon move into a leaf of it.
    const auto give = [](const fs::path& group) {
        return write_once(group / "cgroup.subtree_control", "+memory +pids +cpu");
    };
    auto given = give(own);
    if (!given) {
        const fs::path leaf = own / (name + "-daemon");
        ::mkdir(leaf.c_str(), 0755);
        (void)write_once(leaf / "cgroup.procs", std::to_string(::getppid()));
        (void)write_once(leaf / "cgroup.procs", "0");
        given = give(own);
    }
    const fs::path base = own / name;
    if (given && ::mkdir(base.c_str(), 0755) != 0 && errno != EEXIST)
        given = fail(errno_error("create " + base.string(), errno));
    if (given) given = give(base);
    if (given) {
        bases_.push_back({std::string(kUnified), base});
        return;
    }
    for (const std::string_view controller : kControllers)
        missing_[fmt::format("cgroup-{}", controller)] = given.error().message;
}

void CgroupTree::clean() {
    for (const Base& base : bases_) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(base.path, error))
            if (entry.is_directory(error)) destroy(entry.path());
    }
}

void CgroupTree::remove() {
    for (const Base& base : bases_) destroy(base.path);
}

Result<GuestCgroup> CgroupTree::create(const std::string& guest) {
    GuestCgroup group;
    for (const Base& base : bases_) {
        GuestCgroup::Folder folder{base.controller, base.path / guest, {}};
        if (::mkdir(folder.path.c_str(), 0755) != 0 && errno != EEXIST) {
            const auto error = errno_error("create group " + folder.path.string(), errno);
            group.remove();
            return fail(error);
        }
        const bool unified = base.controller == kUnified;
        folder.entry.reset(
            unified ? ::open(folder.path.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC)
                    : ::open((folder.path / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
        group.folders_.push_back(std::move(folder));
    }
    const GuestCgroup::Folder* const memory = group.find("memory");
    if (memory == nullptr || memory->controller == kUnified) return group;
    group.oom_event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const UniqueFd control(
        ::open((memory->path / "memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
    (void)write_once(memory->path / "cgroup.event_control",
                     fmt::format("{} {}", group.oom_event_.get(), control.get()));
    return group;
}

}  // namespace ac::sandbox
