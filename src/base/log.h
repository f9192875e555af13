#pragma once
// Structured logging: one JSON object a line on stderr (or logfmt-like text on a terminal).
//
//   AC_LOG(info, "session started", {"session", id.text()}, {"ms", elapsed.count()});
//
// Never log a secret, a credential header or a request body. Thread-safe; one write(2) a line.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace ac::log {

enum class Level { debug, info, warn, error };

struct Field {
    template <class T>
        requires std::is_integral_v<T>
    Field(std::string_view k, T v)
        : key(k), number(static_cast<std::int64_t>(v)), is_number(true) {}
    Field(std::string_view k, std::string_view v) : key(k), text(v) {}
    Field(std::string_view k, const std::string& v) : key(k), text(v) {}
    Field(std::string_view k, const char* v) : key(k), text(v) {}

    std::string_view key;
    std::string_view text;  // a view: lives until write() returns
    std::int64_t number = 0;
    bool is_number = false;
};

enum class Format { json, text };

void configure(Level least, Format format);
bool enabled(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

}  // namespace ac::log

#define AC_LOG(level, message, ...)                                            \
    do {                                                                       \
        if (::ac::log::enabled(::ac::log::Level::level))                       \
            ::ac::log::write(::ac::log::Level::level, message, {__VA_ARGS__}); \
    } while (false)
