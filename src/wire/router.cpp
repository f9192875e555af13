#include "wire/router.h"

#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "base/result.h"
#include "wire/limits.h"

namespace ac::wire {
namespace {

struct Segments {
    std::vector<std::string_view> raw;
    std::vector<std::string> decoded;
};

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> out;
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    while (!path.empty()) {
        const auto slash = path.find('/');
        out.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
        if (path.empty()) out.push_back(path);
    }
    return out;
}

bool is_label(std::string_view segment) {
    return segment.starts_with('{') && segment.ends_with('}');
}

}  // namespace

struct Router::Node {
    struct End {
        std::size_t target = 0;
        std::vector<std::string> label_names;
    };
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> label;
    std::map<std::string, End, std::less<>> ends;         // by method
    std::map<std::string, End, std::less<>> greedy_ends;  // by method

    // The values on the way down; back tracks from literals to the label.
    bool find(std::string_view method, const Segments& path, std::size_t depth,
              std::vector<std::string>& values, RouteMatch& match) const;
    static bool take(const std::map<std::string, End, std::less<>>& ends, std::string_view method,
                     const std::vector<std::string>& values, RouteMatch& match);
};

bool Router::Node::take(const std::map<std::string, End, std::less<>>& ends,
                        std::string_view method, const std::vector<std::string>& values,
                        RouteMatch& match) {
    const auto end = ends.find(method);
    if (end == ends.end()) {
        for (const auto& [other, unused] : ends) match.methods.push_back(other);
        return false;
    }
    match.target = end->second.target;
    for (std::size_t i = 0; i < values.size(); ++i)
        match.labels.push_back({end->second.label_names[i], values[i]});
    return true;
}

bool Router::Node::find(std::string_view method, const Segments& path, std::size_t depth,
                        std::vector<std::string>& values, RouteMatch& match) const {
    if (depth == path.raw.size()) return take(ends, method, values, match);
    const std::string& segment = path.decoded[depth];
    if (const auto next = literals.find(segment); next != literals.end())
        if (next->second->find(method, path, depth + 1, values, match)) return true;
    if (segment.empty()) return false;
    if (label) {
        values.push_back(segment);
        if (label->find(method, path, depth + 1, values, match)) return true;
        values.pop_back();
    }
    if (greedy_ends.empty()) return false;
    std::string rest = segment;
    for (std::size_t i = depth + 1; i < path.decoded.size(); ++i) rest += '/' + path.decoded[i];
    values.push_back(std::move(rest));
    if (take(greedy_ends, method, values, match)) return true;
    values.pop_back();
    return false;
}

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

void Router::add(std::string_view method, std::string_view path_template, std::size_t target) {
    Node* node = root_.get();
    Node::End end{.target = target, .label_names = {}};
    for (const std::string_view segment : split(path_template)) {
        if (!is_label(segment)) {
            auto& next = node->literals[std::string(segment)];
            if (!next) next = std::make_unique<Node>();
            node = next.get();
            continue;
        }
        const std::string_view name = segment.substr(1, segment.size() - 2);
        if (name.ends_with('+')) {
            end.label_names.emplace_back(name.substr(0, name.size() - 1));
            AC_ASSERT(node->greedy_ends.emplace(method, std::move(end)).second);
            return;
        }
        end.label_names.emplace_back(name);
        if (!node->label) node->label = std::make_unique<Node>();
        node = node->label.get();
    }
    AC_ASSERT(node->ends.emplace(method, std::move(end)).second);
}

RouteMatch Router::find(std::string_view method, std::string_view path) const {
    RouteMatch match;
    Segments segments{.raw = split(path), .decoded = {}};
    if (segments.raw.size() > kPathSegmentsMax) return match;
    for (const std::string_view raw : segments.raw) {
        auto decoded = percent_decode(raw);
        if (!decoded || !is_valid_utf8(*decoded)) {
            match.outcome = RouteMatch::Outcome::malformed;
            return match;
        }
        segments.decoded.push_back(*std::move(decoded));
    }
    std::vector<std::string> values;
    if (root_->find(method, segments, 0, values, match)) {
        match.outcome = RouteMatch::Outcome::found;
        match.methods.clear();
    } else if (!match.methods.empty()) {
        match.outcome = RouteMatch::Outcome::wrong_method;
        std::ranges::sort(match.methods);
        const auto repeated = std::ranges::unique(match.methods);
        match.methods.erase(repeated.begin(), repeated.end());
    }
    return match;
}

}  // namespace ac::wire
