#include "cli/console.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/encoding.h"

namespace ac::cli {
namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;  // the exit code still tells
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

// Nobody listens any more: `agentcore logs -f | head` ends as every program of a pipeline does.
// SIGPIPE is ignored elsewhere, since sockets must not raise it.
void end_unheard() {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
}

class TerminalConsole final : public Console {
  public:
    explicit TerminalConsole(bool no_colour) : no_colour_(no_colour) {}

    void out(std::string_view text) override {
        errno = 0;
        write_all(STDOUT_FILENO, text);
        if (errno == EPIPE) end_unheard();
    }
    void err(std::string_view text) override { write_all(STDERR_FILENO, text); }

    // The prompt comes last: who types at once is not shown either.
    std::optional<std::string> read_secret(std::string_view prompt) override {
        termios shown{};
        if (tcgetattr(STDIN_FILENO, &shown) != 0) return Console::read_secret(prompt);
        termios hidden = shown;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        err(prompt);
        auto line = read_line();
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        return line;
    }

    std::optional<std::string> read_line() override {
        std::string line;
        char c = 0;
        while (true) {
            const ssize_t n = ::read(STDIN_FILENO, &c, 1);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return line.empty() ? std::nullopt : std::optional(line);
            if (c == '\n') return line;
            line += c;
        }
    }

    std::optional<std::string> read_all(std::size_t bytes_max) override {
        std::string text;
        char buffer[65536];
        while (true) {
            const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return text;
            text.append(buffer, static_cast<std::size_t>(n));
            if (text.size() > bytes_max) return std::nullopt;
        }
    }

    bool in_is_terminal() const override { return ::isatty(STDIN_FILENO) == 1; }
    bool out_is_terminal() const override { return ::isatty(STDOUT_FILENO) == 1; }
    bool err_is_terminal() const override { return ::isatty(STDERR_FILENO) == 1; }
    bool colour() const override { return !no_colour_ && err_is_terminal(); }

  private:
    bool no_colour_;
};

std::string_view code_of(Colour colour) {
    switch (colour) {
        case Colour::dim:
            return "2";
        case Colour::red:
            return "31";
        case Colour::green:
            return "32";
        case Colour::yellow:
            return "33";
        case Colour::cyan:
            return "36";
        case Colour::bold:
            return "1";
        case Colour::plain:
            break;
    }
    return "0";
}

}  // namespace

std::unique_ptr<Console> make_console(bool no_colour) {
    return std::make_unique<TerminalConsole>(no_colour);
}

std::string paint(bool on, Colour colour, std::string_view text) {
    if (!on || colour == Colour::plain) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code_of(colour), text);
}

std::string ask(Console& console, std::string_view question, std::string_view fallback) {
    console.err(fallback.empty() ? fmt::format("{}: ", question)
                                 : fmt::format("{} [{}]: ", question, fallback));
    const auto line = console.read_line();
    if (!line) return std::string(fallback);
    const auto answer = trim(*line);
    return std::string(answer.empty() ? fallback : answer);
}

bool confirm(Console& console, std::string_view question) {
    const std::string answer = to_lower(ask(console, fmt::format("{} (y/N)", question), ""));
    return answer == "y" || answer == "yes";
}

}  // namespace ac::cli
