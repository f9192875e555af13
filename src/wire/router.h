#pragma once
// Finds what a method and a path mean. Templates are those of the API model: literal segments,
// {label} for one segment, {label+} for the rest. The path is split on '/' before it is
// percent-decoded, so a label may hold an encoded '/'; one trailing '/' is optional everywhere.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ac::wire {

struct PathLabel {
    std::string name;
    std::string value;  // decoded
};

struct RouteMatch {
    enum class Outcome { found, unknown_path, wrong_method, malformed };
    Outcome outcome = Outcome::unknown_path;
    std::size_t target = 0;            // what add() was given, when found
    std::vector<PathLabel> labels;     // when found
    std::vector<std::string> methods;  // what the path takes, when wrong_method
};

class Router final {
  public:
    Router();
    ~Router();
    Router(Router&&) noexcept;

    // Asserts that the template is new for this method.
    void add(std::string_view method, std::string_view path_template, std::size_t target);
    // `path` as sent, without the query. Thread-safe once everything is added.
    RouteMatch find(std::string_view method, std::string_view path) const;

  private:
    struct Node;
    std::unique_ptr<Node> root_;
};

}  // namespace ac::wire
