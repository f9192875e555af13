#include <sstream>

#include "sandbox/linux/cgroup.h"

namespace ac::sandbox {
namespace {

struct MountLine {
    std::string root;   // of the file system, what is mounted
    std::string point;  // where
    std::string type;
    std::string super_options;
};

// proc(5), /proc/pid/mountinfo: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw".
std::optional<MountLine> parse_mount_line(const std::string& line) {
    std::istringstream words(line);
    std::string word;
    MountLine out;
    if (!(words >> word >> word >> word >> out.root >> out.point)) return std::nullopt;
    while (words >> word && word != "-") {
    }
    if (!(words >> out.type >> word >> out.super_options)) return std::nullopt;
    return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    std::istringstream stream{std::string(text)};
    for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
    return out;
}

bool contains(std::string_view list, std::string_view name) {
    for (const std::string& item : split(list, ','))
        if (item == name) return true;
    return false;
}

// Our group's folder: the group's path relative to what of the hierarchy is mounted.
std::filesystem::path own_folder(const MountLine& mount, std::string_view group) {
    if (mount.root != "/" && group.starts_with(mount.root)) group.remove_prefix(mount.root.size());
    while (group.starts_with('/')) group.remove_prefix(1);
    const std::filesystem::path point(mount.point);
    return group.empty() ? point : point / group;
}

}  // namespace

CgroupLayout parse_cgroup_layout(std::string_view proc_self_cgroup, std::string_view mountinfo) {
    std::vector<MountLine> mounts;
    for (const std::string& line : split(mountinfo, '\n'))
        if (auto mount = parse_mount_line(line)) mounts.push_back(std::move(*mount));

    CgroupLayout layout;
    for (const std::string& line : split(proc_self_cgroup, '\n')) {
        // "4:memory:/path", "0::/path" for the unified hierarchy.
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        for (const MountLine& mount : mounts) {
            if (controllers.empty() && mount.type == "cgroup2") {
                layout.v2 = own_folder(mount, group);
                break;
            }
            if (controllers.empty() || mount.type != "cgroup") continue;
            bool used = false;
            for (const std::string& controller : split(controllers, ',')) {
                if (!contains(mount.super_options, controller)) continue;
                layout.v1[controller] = own_folder(mount, group);
                used = true;
            }
            if (used) break;
        }
    }
    return layout;
}

}  // namespace ac::sandbox
