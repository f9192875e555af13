#include "runtime/build_log.h"

#include <fcntl.h>
#include <unistd.h>

namespace ac::runtime {

BuildLog::BuildLog(const std::filesystem::path& file, const RuntimeLimits& limits)
    : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
      room_(limits.build_log_bytes_max),
      tail_max_(limits.build_log_tail_bytes) {}

void BuildLog::note(std::string_view line) {
    write("== " + std::string(line) + "\n");
}

void BuildLog::add(std::string_view output) {
    write(output);
}

void BuildLog::write(std::string_view text) {
    tail_ += text;
    if (tail_.size() > tail_max_) tail_.erase(0, tail_.size() - tail_max_);
    if (!file_ || room_ == 0) return;
    const bool fits = text.size() <= room_;
    text = text.substr(0, room_);
    room_ -= text.size();
    if (::write(file_.get(), text.data(), text.size()) < 0) room_ = 0;
    constexpr std::string_view kMark = "\n== the log is full, the rest is not kept\n";
    if (!fits && ::write(file_.get(), kMark.data(), kMark.size()) < 0) room_ = 0;
}

}  // namespace ac::runtime
