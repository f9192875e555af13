#include "runtime/shell_output.h"

#include <algorithm>

namespace ac::runtime {

void ShellOutput::append(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes;
    const std::uint64_t all = begin_ + bytes_.size();
    std::uint64_t keep_from = all - std::min<std::uint64_t>(all, kept_);
    if (attached_) keep_from = std::min(keep_from, sent_);
    if (keep_from > begin_) {
        bytes_.erase(0, static_cast<std::size_t>(keep_from - begin_));
        begin_ = keep_from;
    }
    tell_reader();
}

void ShellOutput::end(ShellEnd end) {
    const std::lock_guard lock(mutex_);
    end_ = end;
    tell_reader();
}

Task<> ShellOutput::wait_room() {
    Completion<void> room;
    {
        const std::lock_guard lock(mutex_);
        if (!attached_ || begin_ + bytes_.size() - sent_ < kept_) co_return Result<>{};
        writer_ = room;
    }
    co_return co_await room.cancellable_result();
}

bool ShellOutput::is_attached() const {
    const std::lock_guard lock(mutex_);
    return attached_;
}

ShellOutput::Attachment ShellOutput::attach() {
    const std::lock_guard lock(mutex_);
    tell_reader();  // it is taken over
    awake_ = false;
    attached_ = true;
    const std::uint64_t all = begin_ + bytes_.size();
    sent_ = std::max(begin_, all - std::min<std::uint64_t>(all, kept_));
    // Where the beginning is lost, not in the middle of a character or of a colour.
    const auto from = static_cast<std::size_t>(sent_ - begin_);
    constexpr std::size_t kLineBytesMax = 4096;
    if (sent_ > 0) {
        const auto line = bytes_.find('\n', from);
        if (line != bytes_.npos && line - from < kLineBytesMax) sent_ = begin_ + line + 1;
    }
    tell_writer();
    return ++newest_;
}

void ShellOutput::detach(Attachment attachment) {
    const std::lock_guard lock(mutex_);
    if (attachment != newest_) return;
    attached_ = false;
    tell_writer();
}

ShellOutput::Piece ShellOutput::take(Attachment attachment, std::size_t bytes_max) {
    const std::lock_guard lock(mutex_);
    if (attachment != newest_) return {.bytes = {}, .taken_over = true, .end = std::nullopt};
    Piece piece{.bytes = bytes_.substr(static_cast<std::size_t>(sent_ - begin_), bytes_max)};
    sent_ += piece.bytes.size();
    if (sent_ == begin_ + bytes_.size()) piece.end = end_;
    tell_writer();
    return piece;
}

Task<> ShellOutput::wait(Attachment attachment) {
    Completion<void> something;
    {
        const std::lock_guard lock(mutex_);
        const bool is_there = attachment != newest_ || end_ || sent_ < begin_ + bytes_.size();
        if (std::exchange(awake_, false) || is_there) co_return Result<>{};
        reader_ = something;
    }
    co_return co_await something.cancellable_result();
}

void ShellOutput::wake(Attachment attachment) {
    const std::lock_guard lock(mutex_);
    if (attachment == newest_) tell_reader();
}

void ShellOutput::tell_reader() {
    if (const auto reader = std::exchange(reader_, std::nullopt))
        reader->complete({});
    else
        awake_ = true;
}

void ShellOutput::tell_writer() {
    if (const auto writer = std::exchange(writer_, std::nullopt)) writer->complete({});
}

}  // namespace ac::runtime
