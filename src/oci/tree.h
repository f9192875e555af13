#pragma once
// Changes below a folder by names that strangers gave. Every name is resolved as a process would
// whose root is that folder (openat2, RESOLVE_IN_ROOT): links in it may lead anywhere inside, never
// out. Blocking.

#include <filesystem>
#include <string>
#include <unordered_set>

#include "base/file.h"
#include "base/result.h"

namespace ac::oci {

// "a/b" of "/a//./b/"; empty for the root. invalid_argument: it climbs, or is too long or deep.
Result<std::string> normal_path(std::string_view name);

class Tree final {
  public:
    static Result<Tree> open(const std::filesystem::path& root);

    // A regular file, for reading. not_found: there is none.
    Result<UniqueFd> open_file(const std::string& path) const;

    // Each replaces what is there; folders on the way are made. A folder that is there stays, with
    // what is in it.
    Result<> make_folder(const std::string& path);
    // A new, empty file.
    Result<UniqueFd> make_file(const std::string& path, bool executable);
    Result<> make_link(const std::string& path, const std::string& target);
    // A second name of the regular file `existing`. not_found: there is none.
    Result<> make_hard_link(const std::string& path, const std::string& existing);
    // Nothing happens where nothing is.
    Result<> remove(const std::string& path);
    // All in the folder `path` but what is in `kept` (normal paths from the root).
    Result<> clear(const std::string& path, const std::unordered_set<std::string>& kept);

  private:
    explicit Tree(UniqueFd root) : root_(std::move(root)) {}
    UniqueFd resolve(const std::string& path, int flags) const;
    // The folder that `path` lies in, made where it is not there.
    Result<UniqueFd> parent_of(const std::string& path);
    Result<UniqueFd> place_for(const std::string& path);

    UniqueFd root_;
};

// Removes a tree, following no link in it. What cannot be removed stays.
void remove_tree(const std::filesystem::path& folder);

}  // namespace ac::oci
