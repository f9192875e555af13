#include "sandbox/linux/protocol.h"

#include <cmath>

#include "sandbox/linux/byte_codec.h"

namespace ac::sandbox {
namespace {

enum class Kind : std::uint8_t {
    spawn = 1,
    stop,
    open,
    measure,
    execute,
    ground,
    started = 65,
    failed,
    socket,
    measured,
    ended,
};

// Processors travel as thousandths, so that a double's bytes are no part of the protocol.
constexpr double kMilli = 1000.0;

void put(ByteWriter& w, const Limits& limits) {
    w.u64(limits.memory_bytes_max);
    w.u32(limits.processes_max);
    w.u32(static_cast<std::uint32_t>(std::lround(limits.processors_max * kMilli)));
    w.u64(limits.work_bytes_max);
    w.u64(limits.work_files_max);
    w.u32(limits.open_files_max);
    w.u8(limits.wall_time_max ? 1 : 0);
    w.u64(limits.wall_time_max ? static_cast<std::uint64_t>(limits.wall_time_max->count()) : 0);
}

Limits get_limits(ByteReader& r) {
    Limits limits;
    limits.memory_bytes_max = r.u64();
    limits.processes_max = r.u32();
    limits.processors_max = r.u32() / kMilli;
    limits.work_bytes_max = r.u64();
    limits.work_files_max = r.u64();
    limits.open_files_max = r.u32();
    const bool timed = r.boolean();
    const std::uint64_t seconds = r.u64();
    // A century: beyond it, adding it to a clock would overflow.
    if (seconds > 3'153'600'000ULL || (!timed && seconds != 0)) r.refuse();
    if (timed) limits.wall_time_max = Seconds{seconds};
    return limits;
}

void put(ByteWriter& w, const SpawnRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::spawn));
    w.u64(request.id);
    w.text(request.root);
    w.u8(request.root_is_writable ? 1 : 0);
    w.u32(request.user.uid);
    w.u32(request.user.gid);
    w.u32(static_cast<std::uint32_t>(request.mounts.size()));
    for (const GuestMount& mount : request.mounts) {
        w.text(mount.host_path);
        w.text(mount.guest_path);
        w.u8(mount.writable ? 1 : 0);
    }
    w.u8(request.host_network ? 1 : 0);
    put(w, request.limits);
    w.texts(request.argv);
    w.texts(request.environment);
    w.text(request.folder);
    w.u8(request.has_output ? 1 : 0);
    w.u8(request.has_error ? 1 : 0);
    w.u32(request.further);
}

SpawnRequest get_spawn(ByteReader& r) {
    SpawnRequest request;
    request.id = r.u64();
    request.root = r.text();
    request.root_is_writable = r.boolean();
    request.user = {.uid = r.u32(), .gid = r.u32()};
    // -1 is "as it is" to setresuid(2): the launcher's own.
    if (request.user.uid == UINT32_MAX || request.user.gid == UINT32_MAX) r.refuse();
    const std::size_t mounts = r.count(kListItemsMax);
    for (std::size_t i = 0; i < mounts && r.ok(); ++i) {
        GuestMount mount;
        mount.host_path = r.text();
        mount.guest_path = r.text();
        mount.writable = r.boolean();
        request.mounts.push_back(std::move(mount));
    }
    request.host_network = r.boolean();
    request.limits = get_limits(r);
    request.argv = r.texts(kListItemsMax);
    request.environment = r.texts(kListItemsMax);
    request.folder = r.text();
    request.has_output = r.boolean();
    request.has_error = r.boolean();
    request.further = static_cast<std::uint32_t>(r.count(kFurtherDescriptorsMax));
    return request;
}

void put(ByteWriter& w, const StopRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::stop));
    w.u64(request.guest);
    w.u32(request.grace_ms);
}

void put(ByteWriter& w, const OpenRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::open));
    w.u64(request.id);
    w.u64(request.guest);
}

void put(ByteWriter& w, const GroundRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::ground));
    w.u64(request.guest);
    w.u8(request.is_background ? 1 : 0);
}

void put(ByteWriter& w, const MeasureRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::measure));
    w.u64(request.id);
    w.u64(request.guest);
}

void put(ByteWriter& w, const ExecuteRequest& request) {
    w.u8(static_cast<std::uint8_t>(Kind::execute));
    w.u64(request.id);
    w.u64(request.guest);
    w.texts(request.argv);
    w.texts(request.environment);
    w.text(request.folder);
    w.u8(request.has_output ? 1 : 0);
    w.u8(request.has_error ? 1 : 0);
    w.u32(request.further);
    w.u8(request.terminal ? 1 : 0);
    if (!request.terminal) return;
    w.u32(request.terminal->columns);
    w.u32(request.terminal->rows);
}

std::uint16_t get_u16(ByteReader& r) {
    const std::uint32_t value = r.u32();
    if (value > UINT16_MAX) r.refuse();
    return static_cast<std::uint16_t>(value);
}

ExecuteRequest get_execute(ByteReader& r) {
    ExecuteRequest request;
    request.id = r.u64();
    request.guest = r.u64();
    request.argv = r.texts(kListItemsMax);
    request.environment = r.texts(kListItemsMax);
    request.folder = r.text();
    request.has_output = r.boolean();
    request.has_error = r.boolean();
    request.further = static_cast<std::uint32_t>(r.count(kFurtherDescriptorsMax));
    if (!r.boolean()) return request;
    request.terminal.emplace();
    request.terminal->columns = get_u16(r);
    request.terminal->rows = get_u16(r);
    return request;
}

void put(ByteWriter& w, const StartedNotice& notice) {
    w.u8(static_cast<std::uint8_t>(Kind::started));
    w.u64(notice.id);
}

void put(ByteWriter& w, const FailedNotice& notice) {
    w.u8(static_cast<std::uint8_t>(Kind::failed));
    w.u64(notice.id);
    w.u8(static_cast<std::uint8_t>(notice.code));
    w.text(notice.message);
}

void put(ByteWriter& w, const SocketNotice& notice) {
    w.u8(static_cast<std::uint8_t>(Kind::socket));
    w.u64(notice.id);
}

void put(ByteWriter& w, const MeasuredNotice& notice) {
    w.u8(static_cast<std::uint8_t>(Kind::measured));
    w.u64(notice.id);
    w.u64(notice.usage.memory_bytes);
    w.u64(notice.usage.memory_bytes_peak);
    w.u64(notice.usage.cpu_microseconds);
    w.u32(notice.usage.processes);
}

void put(ByteWriter& w, const EndedNotice& notice) {
    w.u8(static_cast<std::uint8_t>(Kind::ended));
    w.u64(notice.guest);
    w.u8(static_cast<std::uint8_t>(notice.outcome.reason));
    w.u32(static_cast<std::uint32_t>(notice.outcome.code));
    w.text(notice.outcome.detail);
}

FailedNotice get_failed(ByteReader& r) {
    FailedNotice notice;
    notice.id = r.u64();
    const std::uint8_t code = r.u8();
    if (code > static_cast<std::uint8_t>(ErrorCode::internal)) r.refuse();
    notice.code = static_cast<ErrorCode>(code);
    notice.message = r.text();
    return notice;
}

MeasuredNotice get_measured(ByteReader& r) {
    MeasuredNotice notice;
    notice.id = r.u64();
    notice.usage.memory_bytes = r.u64();
    notice.usage.memory_bytes_peak = r.u64();
    notice.usage.cpu_microseconds = r.u64();
    notice.usage.processes = r.u32();
    return notice;
}

EndedNotice get_ended(ByteReader& r) {
    EndedNotice notice;
    notice.guest = r.u64();
    const std::uint8_t reason = r.u8();
    if (reason > static_cast<std::uint8_t>(Reason::failed_to_start)) r.refuse();
    notice.outcome.reason = static_cast<Reason>(reason);
    notice.outcome.code = static_cast<int>(r.u32());
    notice.outcome.detail = r.text();
    return notice;
}

template <class Message>
std::string encode_any(const Message& message) {
    ByteWriter w;
    std::visit([&w](const auto& m) { put(w, m); }, message);
    return w.take();
}

template <class Message>
std::optional<Message> if_complete(const ByteReader& r, Message message) {
    if (!r.complete()) return std::nullopt;
    return message;
}

}  // namespace

std::string encode(const Request& request) {
    return encode_any(request);
}

std::string encode(const Notice& notice) {
    return encode_any(notice);
}

std::optional<Request> decode_request(std::string_view bytes) {
    ByteReader r(bytes);
    Request request;
    switch (static_cast<Kind>(r.u8())) {
        case Kind::spawn:
            request = get_spawn(r);
            break;
        case Kind::stop: {
            const std::uint64_t guest = r.u64();
            request = StopRequest{guest, r.u32()};
            break;
        }
        case Kind::open: {
            const std::uint64_t id = r.u64();
            request = OpenRequest{id, r.u64()};
            break;
        }
        case Kind::measure: {
            const std::uint64_t id = r.u64();
            request = MeasureRequest{id, r.u64()};
            break;
        }
        case Kind::execute:
            request = get_execute(r);
            break;
        case Kind::ground: {
            const std::uint64_t guest = r.u64();
            request = GroundRequest{guest, r.boolean()};
            break;
        }
        default:
            return std::nullopt;
    }
    return if_complete(r, std::move(request));
}

std::optional<Notice> decode_notice(std::string_view bytes) {
    ByteReader r(bytes);
    Notice notice;
    switch (static_cast<Kind>(r.u8())) {
        case Kind::started:
            notice = StartedNotice{r.u64()};
            break;
        case Kind::failed:
            notice = get_failed(r);
            break;
        case Kind::socket:
            notice = SocketNotice{r.u64()};
            break;
        case Kind::measured:
            notice = get_measured(r);
            break;
        case Kind::ended:
            notice = get_ended(r);
            break;
        default:
            return std::nullopt;
    }
    return if_complete(r, std::move(notice));
}

}  // namespace ac::sandbox
