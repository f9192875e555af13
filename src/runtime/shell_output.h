#pragma once
// What a shell has written, between its terminal and whoever is attached to it: one at a time, the
// newest takes over. The newest bytes are kept whether they were sent or not, so that who attaches
// sees where things stand. Who reads slowly slows the shell down; nobody attached does not.
// Thread-safe.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "async/completion.h"
#include "runtime/shell_protocol.h"

namespace ac::runtime {

class ShellOutput final {
  public:
    // At most `kept` bytes are replayed, and about twice that is held.
    explicit ShellOutput(std::size_t kept) : kept_(kept) {}

    // The terminal's side; one coroutine.
    void append(std::string_view bytes);
    void end(ShellEnd end);
    // Until who is attached has taken in enough. cancelled.
    Task<> wait_room();
    bool is_attached() const;

    // The other side.
    using Attachment = std::uint64_t;
    // Reading begins at the oldest byte that is kept.
    Attachment attach();
    void detach(Attachment attachment);
    struct Piece {
        std::string bytes;  // empty: nothing now
        bool taken_over = false;
        std::optional<ShellEnd> end;  // with the last byte taken
    };
    Piece take(Attachment attachment, std::size_t bytes_max);
    // Until there is something to take, or wake(). cancelled.
    Task<> wait(Attachment attachment);
    void wake(Attachment attachment);

  private:
    void tell_reader();  // both: mutex_ held
    void tell_writer();

    const std::size_t kept_;
    mutable std::mutex mutex_;
    std::string bytes_;
    std::uint64_t begin_ = 0;  // how many bytes were written before bytes_
    std::uint64_t sent_ = 0;   // how many who is attached has taken, of all
    Attachment newest_ = 0;
    bool attached_ = false;
    std::optional<ShellEnd> end_;
    bool awake_ = false;  // told while nobody waited
    std::optional<Completion<void>> reader_;
    std::optional<Completion<void>> writer_;
};

}  // namespace ac::runtime
