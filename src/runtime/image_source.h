#pragma once
// Where a container image comes from. The composition root connects this to registries and to the
// object store: a URI becomes a folder that does not change.

#include <functional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/ids.h"
#include "sandbox/policy.h"

namespace ac::runtime {

struct Image {
    std::string root;                      // host path of its file system
    std::vector<std::string> command;      // entrypoint and arguments
    std::vector<std::string> environment;  // "NAME=value"
    std::string folder;                    // where it starts; absolute
    sandbox::GuestUser user;
};

class ImageSource {
  public:
    virtual ~ImageSource() = default;
    // `note` is told of progress. not_found, permission_denied, invalid_argument (no image, or
    // not for this machine), too_large, unavailable: the message is for who deploys.
    virtual Task<Image> fetch(Scope scope, std::string uri,
                              std::function<void(const std::string&)> note) = 0;
    // Removes the images that have none of these roots, some time later. While no fetch() is under
    // way.
    virtual Result<> keep_only(const std::vector<std::string>& roots) = 0;
};

}  // namespace ac::runtime
