#include "net/http2_connection.h"

#include <nghttp2/nghttp2.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <charconv>
#include <map>

#include "base/encoding.h"
#include "base/log.h"
#include "net/http2_stream.h"
#include "net/http_connection.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

constexpr std::uint32_t kStreamsMax = 100;               // at once, of one connection
constexpr std::int32_t kStreamWindowBytes = 256 * 1024;  // of a body, before it is read
constexpr std::int32_t kConnectionWindowBytes = 1 << 20;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;  // in one piece
constexpr Milliseconds kTick{1000};             // how often stalls and the end are looked for

using StreamPointer = std::shared_ptr<Http2Stream>;

class Http2Connection final : public Http2Link,
                              public std::enable_shared_from_this<Http2Connection> {
  public:
    Http2Connection(std::shared_ptr<ConnectionHost> host, std::string peer)
        : host_(std::move(host)), peer_(std::move(peer)) {}
    ~Http2Connection() override { nghttp2_session_del(session_); }

    Result<> open();
    Result<> feed(std::string_view bytes);
    Detached read_all(Stream& stream, ReadBuffer& buffer);
    Detached write_all(Stream& stream);
    void close();

    // Http2Link
    Result<> submit_head(std::int32_t id, int status, const Headers& headers,
                         bool has_body) override;
    void resume(std::int32_t id) override;
    void consumed(std::int32_t id, std::size_t bytes) override;
    void reset(std::int32_t id) override;

  private:
    static Http2Connection& of(void* user) { return *static_cast<Http2Connection*>(user); }
    static nghttp2_session_callbacks* make_callbacks();
    StreamPointer find(std::int32_t id) const;
    int begin_headers(std::int32_t id);
    int add_header(std::int32_t id, std::string_view name, std::string_view value);
    int frame_received(const nghttp2_frame& frame);
    int data_received(std::int32_t id, std::string_view bytes);
    int stream_closed(std::int32_t id, bool regularly);
    int begin_request(const StreamPointer& stream, bool ended);
    bool tick();
    void kick() { wants_write_.notify(); }
    static Detached run(std::shared_ptr<Http2Connection> self, StreamPointer stream);

    const std::shared_ptr<ConnectionHost> host_;
    const std::string peer_;
    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, StreamPointer> streams_;
    SteadyTime idle_since_{};
    bool is_closed_ = false;
    bool said_goodbye_ = false;
    LoopSignal wants_write_;
};

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_session_callbacks* Http2Connection::make_callbacks() {
    nghttp2_session_callbacks* out = nullptr;
    if (nghttp2_session_callbacks_new(&out) != 0) return nullptr;
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        out, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            const bool is_request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
            return is_request ? of(user).begin_headers(frame->hd.stream_id) : 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        out, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                std::uint8_t, void* user) {
            if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
            return of(user).add_header(frame->hd.stream_id, view(name, name_size),
                                       view(value, value_size));
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        out, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            return of(user).frame_received(*frame);
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        out,
        [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
           std::size_t size, void* user) { return of(user).data_received(id, view(data, size)); });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        out, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
            return of(user).stream_closed(id, error == NGHTTP2_NO_ERROR);
        });
    return out;
}

Result<> Http2Connection::open() {
    nghttp2_session_callbacks* callbacks = make_callbacks();
    nghttp2_option* option = nullptr;
    int failed = callbacks == nullptr ? NGHTTP2_ERR_NOMEM : nghttp2_option_new(&option);
    if (failed == 0) {
        // Windows open as bodies are read, so that a slow handler slows its client.
        nghttp2_option_set_no_auto_window_update(option, 1);
        failed = nghttp2_session_server_new2(&session_, callbacks, this, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (failed != 0) return fail(ErrorCode::internal, nghttp2_strerror(failed));
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsMax},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(kStreamWindowBytes)},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<std::uint32_t>(host_->limits().head_bytes_max)}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
    idle_since_ = host_->clock().steady();
    return {};
}

Result<> Http2Connection::feed(std::string_view bytes) {
    const auto taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    kick();
    if (taken < 0)
        return fail(ErrorCode::invalid_argument, nghttp2_strerror(static_cast<int>(taken)));
    return {};
}

StreamPointer Http2Connection::find(std::int32_t id) const {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
}

int Http2Connection::begin_headers(std::int32_t id) {
    streams_[id] = std::make_shared<Http2Stream>(*this, id, peer_, host_->clock());
    return 0;
}

// nghttp2 has checked the names, the values and the pseudo fields (RFC 9113 8.2, 8.3).
int Http2Connection::add_header(std::int32_t id, std::string_view name, std::string_view value) {
    const auto stream = find(id);
    if (!stream) return 0;
    RequestHead& head = stream->head;
    stream->head_bytes += name.size() + value.size() + 32;
    if (stream->head_bytes > host_->limits().head_bytes_max ||
        head.headers.size() >= host_->limits().header_count_max)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (name == ":method") {
        head.method = value;
    } else if (name == ":path") {
        head.target = value;
    } else if (name == ":authority") {
        if (!head.headers.contains("Host")) head.headers.add("Host", std::string(value));
    } else if (name == "host") {
        head.headers.set("Host", std::string(value));
    } else if (!name.starts_with(':')) {
        head.headers.add(std::string(name), std::string(value));
    }
    return 0;
}

int Http2Connection::frame_received(const nghttp2_frame& frame) {
    if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return 0;
    const auto stream = find(frame.hd.stream_id);
    if (!stream) return 0;
    const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST)
        return begin_request(stream, ended);
    if (ended) stream->end_of_request();
    return 0;
}

int Http2Connection::begin_request(const StreamPointer& stream, bool ended) {
    const RequestHead& head = stream->head;
    if (!head.target.starts_with('/') || head.method == "CONNECT")
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (const auto text = head.headers.find("content-length")) {
        std::uint64_t length = 0;
        const auto read = std::from_chars(text->data(), text->data() + text->size(), length);
        if (read.ec == std::errc{}) stream->set_length(length);
    } else if (ended) {
        stream->set_length(0);
    }
    if (ended) stream->end_of_request();
    host_->tasks().spawn("http/2 request", run(shared_from_this(), stream));
    return 0;
}

int Http2Connection::data_received(std::int32_t id, std::string_view bytes) {
    const auto stream = find(id);
    if (!stream) {
        nghttp2_session_consume_connection(session_, bytes.size());
        return 0;
    }
    stream->receive(bytes);
    if (stream->received() > host_->limits().body_bytes_max) reset(id);
    return 0;
}

int Http2Connection::stream_closed(std::int32_t id, bool regularly) {
    const auto stream = find(id);
    if (!stream) return 0;
    nghttp2_session_consume_connection(session_, stream->unread());
    streams_.erase(id);
    if (streams_.empty()) idle_since_ = host_->clock().steady();
    stream->closed(regularly);
    return 0;
}

Detached Http2Connection::run(std::shared_ptr<Http2Connection> self, StreamPointer stream) {
    std::string bug;
    try {
        co_await self->host_->handler().handle(*stream);
    } catch (const std::exception& e) {
        bug = e.what();
    }
    if (!bug.empty()) AC_LOG(error, "handler threw", {"what", bug}, {"path", stream->head.path()});
    if (!stream->started()) {
        Response response;
        response.status = 500;
        (void)co_await stream->respond(std::move(response));
    } else if (!stream->is_finished()) {
        stream->abort();
    }
}

Result<> Http2Connection::submit_head(std::int32_t id, int status, const Headers& headers,
                                      bool has_body) {
    if (is_closed_) return fail(ErrorCode::cancelled, "the client went away");
    std::vector<Header> fields{{":status", std::to_string(status)}};
    bool has_date = false;
    for (const Header& header : headers) {
        std::string name = to_lower(header.name);
        if (name != "content-length" && is_framing_field(name)) continue;
        has_date = has_date || name == "date";
        fields.push_back({std::move(name), header.value});
    }
    if (!has_date) fields.push_back({"date", std::string(host_->date())});
    std::vector<nghttp2_nv> list;
    for (Header& field : fields)
        list.push_back({reinterpret_cast<std::uint8_t*>(field.name.data()),
                        reinterpret_cast<std::uint8_t*>(field.value.data()), field.name.size(),
                        field.value.size(), NGHTTP2_NV_FLAG_NONE});
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t stream_id, std::uint8_t* out,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                                void* user) -> ssize_t {
        const auto stream = of(user).find(stream_id);
        if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (!stream->has_output() && !stream->is_finished()) return NGHTTP2_ERR_DEFERRED;
        const std::size_t count = stream->take_output({reinterpret_cast<char*>(out), room});
        if (stream->ends_here()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(count);
    };
    const int failed = nghttp2_submit_response(session_, id, list.data(), list.size(),
                                               has_body ? &provider : nullptr);
    if (failed != 0) return fail(ErrorCode::internal, nghttp2_strerror(failed));
    kick();
    return {};
}

void Http2Connection::resume(std::int32_t id) {
    if (is_closed_) return;
    nghttp2_session_resume_data(session_, id);  // fails where nothing was deferred
    kick();
}

void Http2Connection::consumed(std::int32_t id, std::size_t bytes) {
    if (is_closed_) return;
    // A stream that has closed gave the connection's window back then.
    if (find(id)) nghttp2_session_consume(session_, id, bytes);
    kick();
}

void Http2Connection::reset(std::int32_t id) {
    if (is_closed_) return;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
    kick();
}

// False: the connection is to end.
bool Http2Connection::tick() {
    const SteadyTime now = host_->clock().steady();
    for (const auto& [id, stream] : streams_)
        if (stream->is_stalled(now, host_->limits().stall_timeout)) reset(id);
    if (host_->is_draining() && !said_goodbye_) {
        said_goodbye_ = true;
        nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                              nullptr, 0);
        kick();
    }
    if (!streams_.empty()) return true;
    return !host_->is_draining() && idle_since_ + host_->limits().idle_timeout > now;
}

Detached Http2Connection::read_all(Stream& stream, ReadBuffer& buffer) {
    while (nghttp2_session_want_read(session_) != 0) {
        if (!buffer.empty()) {
            const bool fine = feed(buffer.text()).has_value();
            buffer.consume(buffer.size());
            if (!fine) co_return;
        }
        const auto room = buffer.prepare(kReadBytes);
        const auto count = co_await stream.read_some(room, host_->clock().steady() + kTick);
        if (!tick()) co_return;
        if (!count && count.error().code == ErrorCode::deadline_exceeded) continue;
        if (!count || *count == 0) co_return;
        buffer.commit(*count);
    }
}

Detached Http2Connection::write_all(Stream& stream) {
    while (true) {
        std::string out;
        const std::uint8_t* bytes = nullptr;
        ssize_t count = 0;
        while (out.size() < kWriteBytes && (count = nghttp2_session_mem_send(session_, &bytes)) > 0)
            out.append(view(bytes, static_cast<std::size_t>(count)));
        if (count < 0) co_return;
        if (out.empty()) {
            const bool over = nghttp2_session_want_read(session_) == 0 &&
                              nghttp2_session_want_write(session_) == 0;
            if (over || !co_await wants_write_.wait()) co_return;
            continue;
        }
        Pieces pieces;
        pieces.add(out);
        if (!co_await stream.write(pieces, host_->limits().stall_timeout)) co_return;
    }
}

void Http2Connection::close() {
    is_closed_ = true;
    auto streams = std::move(streams_);
    streams_.clear();
    for (const auto& [id, stream] : streams) stream->closed(false);
}

}  // namespace

Detached serve_http2(std::shared_ptr<ConnectionHost> host, Stream& stream, ReadBuffer& buffer,
                     std::string peer) {
    const auto connection = std::make_shared<Http2Connection>(std::move(host), std::move(peer));
    if (!connection->open()) co_return;
    // However this coroutine ends, the streams learn of it.
    struct Closer {
        explicit Closer(Http2Connection& of) : connection(of) {}
        ~Closer() { connection.close(); }
        Closer(const Closer&) = delete;
        Http2Connection& connection;
    };
    const Closer closer(*connection);
    using namespace asio::experimental::awaitable_operators;
    co_await (connection->read_all(stream, buffer) || connection->write_all(stream));
}

}  // namespace ac::net
