#include "memory/graph_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/file.h"
#include "crypto/hash.h"

namespace ac::memory {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "ACGRAPH1";
constexpr std::size_t kSpaceDigits = 32;
constexpr std::string_view kSuffix = ".graph";
constexpr std::string_view kUnfinished = ".tmp";  // write_file()'s
constexpr std::size_t kDigestBytes = sizeof(Sha256);

std::unexpected<Error> refused(const char* what) {
    return fail(ErrorCode::invalid_argument, std::string("no graph file: ") + what);
}

}  // namespace

std::string graph_file_text(std::string_view embedder, std::string_view image) {
    std::string out;
    const auto length = static_cast<std::uint32_t>(embedder.size());
    out.reserve(kMagic.size() + sizeof length + length + image.size() + kDigestBytes);
    out += kMagic;
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
    out += embedder;
    out += image;
    return out += as_text(sha256(out));
}

Result<std::string_view> image_of_graph_file(std::string_view text, std::string_view embedder) {
    std::uint32_t length = 0;
    if (text.size() < kMagic.size() + sizeof length + kDigestBytes) return refused("it ends early");
    if (!text.starts_with(kMagic)) return refused("another format or version");
    const auto body = text.substr(0, text.size() - kDigestBytes);
    if (as_text(sha256(body)) != text.substr(body.size())) return refused("its checksum is wrong");
    auto rest = body.substr(kMagic.size());
    std::memcpy(&length, rest.data(), sizeof length);
    rest.remove_prefix(sizeof length);
    if (rest.size() < length || rest.substr(0, length) != embedder)
        return refused("another embedder's");
    return rest.substr(length);
}

std::string graph_file_name(std::int64_t memory, std::string_view space) {
    return fmt::format("{}-{}{}", memory, sha256_hex(space).substr(0, kSpaceDigits), kSuffix);
}

std::optional<std::int64_t> memory_of_graph_file(std::string_view name) {
    std::int64_t memory = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), memory);
    if (error != std::errc{}) return std::nullopt;
    name.remove_prefix(static_cast<std::size_t>(end - name.data()));
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (name.size() != 1 + kSpaceDigits + kSuffix.size() || name.front() != '-' ||
        !name.ends_with(kSuffix) || !std::ranges::all_of(name.substr(1, kSpaceDigits), is_hex))
        return std::nullopt;
    return memory;
}

Result<> remove_graph_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string& name)>& is_wanted) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        const auto name = at->path().filename().string();
        const bool is_unwanted =
            memory_of_graph_file(name) ? !is_wanted(name) : name.ends_with(kUnfinished);
        if (is_unwanted && ::unlink(at->path().c_str()) != 0 && errno != ENOENT)
            return fail(errno_error("remove " + name, errno));
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(errno_error("list graph files", error.value()));
    return {};
}

}  // namespace ac::memory
