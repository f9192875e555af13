#pragma once
// Files that were read in a session, as events of InvokeCodeInterpreter's stream. A file that fits
// into what clients read as one event is whole in one; a larger one comes in pieces, one behind the
// other, each a block of its own that says which bytes it is.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::wire {

// botocore refuses events whose payload is over 24 MiB; the frame around it is ours.
inline constexpr std::size_t kWholeFileBytesMax = 25'100'000;
// Pieces are smaller: older botocores refuse what is over 16 MiB.
inline constexpr std::size_t kPieceBytesMax = 16'000'000;

// Whether a client puts pieces together, or takes the first block of a file for all of it.
enum class Pieces { allowed, refused };

class FileEvents final {
  public:
    // `header` and `body` as the agent answered; too_large: a file that has to be whole cannot be.
    static Result<FileEvents> open(const boost::json::object& header, std::string body,
                                   Pieces pieces);
    // The next event's frame in place of what `out` holds, or nothing: there is none any more.
    void next(std::string& out);

  private:
    struct File {
        std::string uri;
        std::string media_type;
        std::size_t offset = 0;  // in body_
        std::size_t size = 0;
        bool is_text = false;
        std::size_t encoded = 0;  // bytes of JSON
    };
    void add_block(std::string& out, std::string_view piece);
    std::string_view piece_for(std::size_t room, bool is_empty) const;

    std::string body_;
    std::vector<File> files_;
    std::size_t at_ = 0;      // the file that is next
    std::size_t offset_ = 0;  // in it
    bool has_ended_ = false;
};

}  // namespace ac::wire
