#pragma once
// The S3-compatible front over the object store: path-style REST with XML (API 2006-03-01), as far
// as deployment tools and agents need it; docs/reference/s3.md lists what it serves. Anything else
// is answered NotImplemented by name. Bodies stream both ways.

#include <functional>
#include <memory>
#include <string>

#include "access/principal.h"
#include "access/request_context.h"
#include "base/clock.h"
#include "base/ids.h"
#include "net/http_server.h"
#include "objects/object_store.h"
#include "sigv4/verifier.h"

namespace ac::wire {

struct S3Call {
    std::string request_id;  // answered as x-amz-request-id
    Scope scope;
    access::Principal principal;
    WallTime now;
    // x-amz-content-sha256 as the client signed it; empty for presigned requests.
    std::string content_sha256;
    // What the signature's verification said; an Error is answered in S3's way. The body has not
    // been looked at: the front checks it against content_sha256 as it comes.
    Result<sigv4::Verified> verified = fail(ErrorCode::unauthenticated, "not verified");
    // Whether the caller's policies allow the action on the resource; permission_denied. Without
    // it, all is allowed.
    std::function<Result<>(std::string_view action, std::string_view resource,
                           const access::RequestContext& keys)>
        may = {};
};

class S3Front {
  public:
    virtual ~S3Front() = default;
    // Always answers. Thread-safe; runs on the exchange's loop.
    virtual Detached serve(net::Exchange& exchange, S3Call call) = 0;
};

// `objects` outlives the front.
std::unique_ptr<S3Front> make_s3_front(objects::ObjectStore& objects);

}  // namespace ac::wire
