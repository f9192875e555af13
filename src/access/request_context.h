#pragma once
// What a request says about itself, by the names that conditions and variables use
// (aws:SourceIp, s3:prefix). Names compare without case; a key may have several values.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ac::access {

class RequestContext final {
  public:
    // `value` that is no UTF-8 is made so.
    void add(std::string_view key, std::string value);
    void add_all(std::string_view key, std::vector<std::string> values);
    // nullptr: the request has no such key. `lower_key` in lower case.
    const std::vector<std::string>* find(std::string_view lower_key) const;

    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

  private:
    std::vector<std::pair<std::string, std::vector<std::string>>> entries_;
};

}  // namespace ac::access
