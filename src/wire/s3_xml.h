#pragma once
// The XML of S3: answers are written, the few request documents are read. Reading refuses document
// type declarations, so there are no entities to expand.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "objects/types.h"

namespace ac::wire {

class XmlWriter final {
  public:
    XmlWriter();
    void open(std::string_view element);  // with S3's namespace when it is the outermost but Error
    void close(std::string_view element);
    void text(std::string_view element, std::string_view content);
    void number(std::string_view element, std::uint64_t value);
    void time(std::string_view element, WallTime value);
    void boolean(std::string_view element, bool value);
    void raw(std::string_view content);  // escaped, without an element of its own
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
    int depth_ = 0;
};

// All parsers: invalid_argument with reason MalformedXML.

// <CreateBucketConfiguration>; empty when no location is asked for.
Result<std::string> parse_location_constraint(std::string_view xml);

struct DeleteRequest {
    std::vector<std::string> keys;
    bool quiet = false;
    bool has_versions = false;  // asks for versions, which we do not keep
};
Result<DeleteRequest> parse_delete(std::string_view xml);

Result<std::vector<objects::PartChoice>> parse_complete_upload(std::string_view xml);

// Well-formed with this outermost element; kept as it is.
Result<> check_document(std::string_view xml, std::string_view element);

}  // namespace ac::wire
