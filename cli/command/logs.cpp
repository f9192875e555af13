#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "cli/command/deployed_agent.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// A quiet agent sends nothing for hours; the daemon's side ends the connection when it goes.
constexpr Milliseconds kFollowTimeout{24L * 3600 * 1000};
constexpr Milliseconds kReadTimeout{60'000};

class Printer final {
  public:
    Printer(Console& console, bool as_json, bool follow)
        : console_(console), as_json_(as_json), follow_(follow) {}

    void feed(std::string_view bytes) {
        rest_ += bytes;
        std::size_t begin = 0;
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
            print(std::string_view(rest_).substr(begin, end - begin));
            begin = end + 1;
        }
        rest_.erase(0, begin);
    }

    void finish() {
        if (!rest_.empty()) print(rest_);
        if (as_json_ && !follow_)
            console_.out(json::serialize(json::object{{"lines", std::move(lines_)}}) + "\n");
    }

  private:
    void print(std::string_view text) {
        if (text.empty()) return;
        boost::system::error_code error;
        json::value line = json::parse(text, error);
        if (as_json_ && follow_) {
            console_.out(fmt::format("{}\n", text));
        } else if (as_json_) {
            lines_.push_back(std::move(line));
        } else if (error) {
            console_.out(fmt::format("{}\n", text));
        } else {
            const bool colour = console_.colour() && console_.out_is_terminal();
            const std::string head = fmt::format("{} {} {}", text_at(line, "time"),
                                                 text_at(line, "session"), text_at(line, "stream"));
            console_.out(
                fmt::format("{} {}\n", paint(colour, Colour::dim, head), text_at(line, "line")));
        }
    }

    Console& console_;
    bool as_json_;
    bool follow_;
    std::string rest_;
    json::array lines_;
};

Expected<> print_build_log(const Context& context, DeployedAgent& deployed) {
    AC_TRY(const std::string log, build_log(deployed.client(), deployed.agent.runtime_id, ""));
    if (context.common.json) {
        context.console().out(json::serialize(json::object{{"buildLog", log}}) + "\n");
        return {};
    }
    context.console().out(log.empty() || log.ends_with('\n') ? log : log + "\n");
    return {};
}

}  // namespace

Expected<> run(const Context& context, const LogsOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    if (options.build) return print_build_log(context, deployed);
    const LogQuery query{
        .session_id = options.session_id, .tail = options.tail, .follow = options.follow};
    AC_TRY(auto reply, open_logs(deployed.client(), deployed.agent.runtime_id, query));
    Printer printer(context.console(), context.common.json, options.follow);
    std::vector<char> buffer(64 * 1024);
    while (true) {
        AC_TRY(const std::size_t n,
               reply->read_some(buffer, options.follow ? kFollowTimeout : kReadTimeout));
        if (n == 0) break;
        printer.feed({buffer.data(), n});
    }
    printer.finish();
    return {};
}

}  // namespace ac::cli
