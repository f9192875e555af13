#pragma once
// The response side of one exchange: chooses the framing, writes head and content, keeps count of
// what was promised.

#include <string>

#include "net/http_message.h"
#include "net/stream.h"

namespace ac::net {

class Answer final {
  public:
    // What the request and the connection's state demand of the answer.
    struct Terms {
        bool head_only = false;  // HEAD
        int version_minor = 1;
        bool keep_alive = true;
    };

    Answer(Stream& stream, Milliseconds patience) : stream_(stream), patience_(patience) {}

    void begin(const Terms& terms);
    void forbid_keep_alive() { terms_.keep_alive = false; }

    // `date` is written unless the response has one.
    Task<> respond(Response response, std::string_view date);
    Result<> start(const ResponseHead& head, std::string_view date);
    // The head alone: what follows is not HTTP.
    Task<> switch_protocols(const ResponseHead& head, std::string_view date);
    Task<> write(std::string_view bytes);
    Task<> finish();
    // Sends a head that start() left, as far as it goes without waiting.
    void flush_head();

    bool started() const { return state_ != State::unstarted; }
    bool finished() const { return state_ == State::finished; }
    // A write failed: nothing more can be said on this connection.
    bool failed() const { return failed_; }
    bool close_delimited() const { return delimiting_ == Delimiting::close; }
    // After finished(): whether the connection can carry another request.
    bool keep_alive() const { return terms_.keep_alive && !failed_; }

  private:
    enum class State { unstarted, streaming, finished };
    enum class Delimiting { none, length, chunks, close };

    void append_head(int status, const Headers& headers, std::string_view date);
    void choose_delimiting(const ResponseHead& head);
    Task<> send(Pieces& pieces);
    // Adds what is left of the head, which then is this send's business.
    void take_head(Pieces& pieces);

    Stream& stream_;
    const Milliseconds patience_;
    Terms terms_;
    State state_ = State::unstarted;
    Delimiting delimiting_ = Delimiting::none;
    std::uint64_t left_ = 0;  // with Delimiting::length
    bool failed_ = false;
    std::string head_;
    std::size_t head_sent_ = 0;
    bool head_waits_ = false;
};

}  // namespace ac::net
