#pragma once
// Where a command speaks: results on stdout, everything said on the way on stderr. Colour and
// moving progress appear on a terminal only, and never when NO_COLOR is set.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ac::cli {

enum class Colour { plain, dim, red, green, yellow, cyan, bold };

class Console {
  public:
    virtual ~Console() = default;
    // Unbuffered: what was written is out when it returns.
    virtual void out(std::string_view text) = 0;
    virtual void err(std::string_view text) = 0;
    // One line of stdin without its end; nullopt at the end of input.
    virtual std::optional<std::string> read_line() = 0;
    // The same, not shown while it is typed.
    virtual std::optional<std::string> read_secret(std::string_view prompt) {
        err(prompt);
        return read_line();
    }
    // All of stdin; nullopt over `bytes_max`.
    virtual std::optional<std::string> read_all(std::size_t bytes_max) = 0;

    virtual bool in_is_terminal() const = 0;
    virtual bool out_is_terminal() const = 0;
    virtual bool err_is_terminal() const = 0;
    virtual bool colour() const = 0;
};

std::unique_ptr<Console> make_console(bool no_colour);

// `text` with the escape codes of `colour`, or as it is when `on` is false.
std::string paint(bool on, Colour colour, std::string_view text);

// "Name [default]: "; the default on an empty line or at the end of input.
std::string ask(Console& console, std::string_view question, std::string_view fallback);
bool confirm(Console& console, std::string_view question);

}  // namespace ac::cli
