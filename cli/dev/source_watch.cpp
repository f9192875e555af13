#include "cli/dev/source_watch.h"

#include "cli/package/source_archive.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

// Files that are there while others are written beside them.
bool is_residue(std::string_view name) {
    return name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".tmp");
}

}  // namespace

SourceWatch::SourceWatch(SourceLayout layout) : layout_(std::move(layout)) {
    if (auto now = stamps()) seen_ = *std::move(now);
}

std::optional<SourceWatch::Stamps> SourceWatch::stamps() const {
    const auto tree = collect_agent(layout_);
    if (!tree) return std::nullopt;
    Stamps out;
    for (const SourceFile& file : tree->files) {
        std::error_code error;
        const auto time = fs::last_write_time(file.path, error);
        if (!error && !is_residue(file.name)) out.emplace(file.name, Stamp{time, file.bytes});
    }
    return out;
}

std::optional<std::string> SourceWatch::look() {
    auto now = stamps();
    if (!now || *now == seen_) return std::nullopt;
    std::optional<std::string> changed;
    for (const auto& [name, stamp] : *now) {
        const auto before = seen_.find(name);
        if (!changed && (before == seen_.end() || before->second != stamp)) changed = name;
    }
    for (const auto& [name, stamp] : seen_)
        if (!changed && !now->contains(name)) changed = name;
    seen_ = *std::move(now);
    return changed;
}

}  // namespace ac::cli
