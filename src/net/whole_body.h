#pragma once
// A body that may be in memory as a whole, for whoever would otherwise copy it.

#include <optional>
#include <string>

namespace ac::net {

class WholeBody {
  public:
    virtual ~WholeBody() = default;
    // When it is in memory and nothing was read of it yet; it has ended then.
    virtual std::optional<std::string> take_whole() = 0;
};

}  // namespace ac::net
