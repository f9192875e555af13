#pragma once
// HTTP to one daemon, blocking: a command does one thing after the other. Waits are bounded by the
// timeout of each call.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/failure.h"
#include "net/http_message.h"

namespace ac::cli {

struct Url {
    std::string host;
    std::uint16_t port = 0;

    std::string authority() const;  // "127.0.0.1:7070"
    std::string text() const { return "http://" + authority(); }
};

// http://HOST[:PORT] and nothing after it; usage.
Expected<Url> parse_url(std::string_view text);

// A response whose body is read as it comes.
class Reply {
  public:
    virtual ~Reply() = default;
    virtual const net::ResponseHead& head() const = 0;
    // 0 at the end. timed_out when nothing came for `timeout`; failed when the stream broke off.
    virtual Expected<std::size_t> read_some(std::span<char> out, Milliseconds timeout) = 0;
};

// The body of a request: nothing, text, or a file's bytes.
struct Upload {
    std::string text = {};
    std::filesystem::path file = {};  // used when not empty
    std::uint64_t bytes = 0;          // the file's size
};

class HttpLink {
  public:
    virtual ~HttpLink() = default;
    virtual const Url& url() const = 0;
    // Host is set here; everything else in `head` must be complete. `timeout` is for the head of
    // the response. unreachable: nobody listens, or it went away before it answered.
    virtual Expected<std::unique_ptr<Reply>> open(net::RequestHead head, Upload body,
                                                  Milliseconds timeout) = 0;
};

std::unique_ptr<HttpLink> make_http_link(Url url, const Clock& clock);

// Waits, between two looks at something that takes time.
void pause(const Clock& clock, Milliseconds duration);

// Reads to the end; failed over `bytes_max`.
Expected<std::string> read_all(Reply& reply, std::size_t bytes_max, Milliseconds timeout);

}  // namespace ac::cli
