#include "oci/user.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "oci/tree.h"

namespace ac::oci {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
// The kernel's highest ids mean "none" and "unmapped".
constexpr std::uint32_t kIdMax = 0x7fffffff;

std::string_view next(std::string_view& text, char end) {
    const auto at = std::min(text.find(end), text.size());
    const auto part = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return part;
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// passwd(5) "name:password:uid:gid:...", group(5) "name:password:gid:...".
struct Entry {
    std::string_view name;
    std::optional<std::uint32_t> id;
    std::optional<std::uint32_t> group;
};

std::optional<Entry> find_entry(std::string_view file, std::string_view wanted) {
    const auto id = number(wanted);
    while (!file.empty()) {
        std::string_view line = next(file, '\n');
        Entry entry{.name = next(line, ':'), .id = {}, .group = {}};
        next(line, ':');
        entry.id = number(next(line, ':'));
        entry.group = number(next(line, ':'));
        if (!entry.id || entry.name.empty()) continue;
        if (entry.name == wanted || (id && entry.id == id)) return entry;
    }
    return std::nullopt;
}

Result<std::uint32_t> resolve(std::string_view wanted, const std::optional<Entry>& entry,
                              const char* file) {
    const auto id = is_number(wanted) ? number(wanted) : entry ? entry->id : std::nullopt;
    if (id && *id <= kIdMax) return *id;
    return fail(
        ErrorCode::invalid_argument,
        "the image's USER: " + std::string(wanted.substr(0, 100)) +
            (is_number(wanted) ? " is out of range" : " is not in its " + std::string(file)));
}

std::string read_in(const Tree& tree, const std::string& path) {
    const auto file = tree.open_file(path);
    if (!file) return {};
    std::string text;
    std::array<char, 16 * 1024> buffer;
    while (text.size() < kFileBytesMax) {
        const ssize_t size = ::read(file->get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

}  // namespace

Result<User> find_user(std::string_view user, std::string_view passwd, std::string_view group) {
    if (user.empty()) return User{};
    std::string_view rest = user;
    const std::string_view name = next(rest, ':');
    const auto entry = find_entry(passwd, name);
    User found;
    AC_TRY(found.uid, resolve(name, entry, "/etc/passwd"));
    if (entry && entry->group && *entry->group <= kIdMax) found.gid = *entry->group;
    if (rest.empty()) return found;
    AC_TRY(found.gid, resolve(rest, find_entry(group, rest), "/etc/group"));
    return found;
}

Result<User> user_of_image(const std::filesystem::path& root, std::string_view user) {
    AC_TRY(const Tree tree, Tree::open(root));
    return find_user(user, read_in(tree, "etc/passwd"), read_in(tree, "etc/group"));
}

}  // namespace ac::oci
