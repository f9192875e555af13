#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include "base/clock.h"
#include "base/time_text.h"

namespace ac::log {
namespace {

std::atomic<Level> least_level{Level::info};
std::atomic<Format> line_format{Format::json};

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

std::string quoted(std::string_view text) {
    return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

}  // namespace

void configure(Level least, Format format) {
    least_level = least;
    line_format = format;
}

bool enabled(Level level) {
    return level >= least_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    const std::string time = to_rfc3339(SystemClock{}.wall());
    const auto name = kNames[static_cast<std::size_t>(level)];
    const bool json = line_format.load(std::memory_order_relaxed) == Format::json;
    std::string line = json ? fmt::format(R"({{"time":"{}","level":"{}","message":{})", time, name,
                                          quoted(message))
                            : fmt::format("{} {:5} {}", time, name, message);
    for (const Field& field : fields) {
        const std::string value =
            field.is_number ? std::to_string(field.number) : quoted(field.text);
        line += json ? fmt::format(",{}:{}", quoted(field.key), value)
                     : fmt::format(" {}={}", field.key, value);
    }
    line += json ? "}\n" : "\n";
    // A log line that cannot be written has nowhere to be reported.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ac::log
