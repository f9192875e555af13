#pragma once
// What a request says about itself, by the names that conditions and variables use
// (aws:SourceIp, s3:prefix). Names compare without case; a key may have several values.

#include <string>
#include <string_view>
#include <vector>

namespace ac::access {

class RequestContext final {
  public:
    struct Entry {
        std::string key;  // in lower case
        std::vector<std::string> values;
        bool of_caller = false;
    };

    // `value` that is no UTF-8 is made so.
    void add(std::string_view key, std::string value);
    void add_all(std::string_view key, std::vector<std::string> values);
    // What is the same for every request of the same caller.
    void add_of_caller(std::string_view key, std::string value);
    // nullptr: the request has no such key. `lower_key` in lower case.
    const std::vector<std::string>* find(std::string_view lower_key) const;

    auto begin() const { return entries_.begin(); }
    auto end() const { return entries_.end(); }

    // Whether anything was looked for that another request of the same caller may say otherwise,
    // or say where this one did not.
    bool was_asked_of_request() const { return asked_of_request_; }

  private:
    std::vector<Entry> entries_;
    mutable bool asked_of_request_ = false;  // a request is decided on one thread
};

}  // namespace ac::access
