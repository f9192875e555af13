#include "runtime/interpreter.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int kOldestMinor = 10;  // the API's oldest
constexpr std::string_view kName = "python3.";

std::optional<int> minor_of(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    int minor = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minor);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return minor;
}

void add_file(const fs::path& path, std::vector<Interpreter>& out) {
    const auto minor = minor_of(path.filename().string(), kName);
    if (!minor || *minor < kOldestMinor || ::access(path.c_str(), X_OK) != 0) return;
    std::error_code error;
    const fs::path resolved = fs::canonical(path, error);
    if (!error && fs::is_regular_file(resolved, error)) out.push_back({resolved, *minor});
}

std::vector<Interpreter> available_interpreters(const BuildOptions& options) {
    std::vector<fs::path> places = options.interpreters;
    places.emplace_back("/usr/bin");
    places.emplace_back("/usr/local/bin");
    std::vector<Interpreter> out;
    for (const fs::path& place : places) {
        std::error_code error;
        if (!fs::is_directory(place, error)) {
            add_file(place, out);
            continue;
        }
        for (const auto& entry : fs::directory_iterator(place, error)) add_file(entry.path(), out);
    }
    return out;
}

}  // namespace

std::optional<Interpreter> choose_interpreter(const std::vector<Interpreter>& available,
                                              int minor) {
    const Interpreter* best = nullptr;
    // Newer beats older; among each, the smaller distance.
    const auto rank = [minor](const Interpreter& one) {
        return one.minor >= minor ? one.minor - minor : 1000 + (minor - one.minor);
    };
    for (const Interpreter& one : available)
        if (best == nullptr || rank(one) < rank(*best)) best = &one;
    if (best == nullptr) return std::nullopt;
    Interpreter chosen = *best;
    chosen.exact = chosen.minor == minor;
    return chosen;
}

Result<Interpreter> find_interpreter(const std::string& version, const BuildOptions& options) {
    const auto minor = minor_of(version, "3.");
    if (!minor) return fail(ErrorCode::invalid_argument, "Python " + version + " is not known");
    const auto available = available_interpreters(options);
    auto chosen = choose_interpreter(available, *minor);
    if (chosen && (chosen->exact || !options.exact_interpreter)) return *std::move(chosen);
    std::string there;
    for (const Interpreter& one : available) there += (there.empty() ? "" : ", ") + one.version();
    return fail(ErrorCode::unavailable,
                "Python " + version + " is not installed on this machine (there is: " +
                    (there.empty() ? "none" : there) + "); install python" + version +
                    " or name it in the configuration (runtime.interpreters)");
}

fs::path interpreter_prefix(const fs::path& interpreter) {
    const fs::path prefix = interpreter.parent_path().parent_path();
    return prefix.string().starts_with("/usr") ? fs::path() : prefix;
}

}  // namespace ac::runtime
