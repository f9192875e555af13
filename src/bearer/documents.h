#pragma once
// The port through which discovery documents and key sets are read, so that some are answered by
// this server itself (the development issuer, Cognito's pools) and the others by the network.

#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "net/outbound.h"

namespace ac::bearer {

struct Document {
    std::string text;
    std::optional<Seconds> max_age;  // as its server said
};

// Thread-safe.
class DocumentSource {
  public:
    virtual ~DocumentSource() = default;
    // unavailable, permission_denied (an address that must not be called), too_large,
    // deadline_exceeded.
    virtual Task<Document> get(std::string url) = 0;
};

// Issuers that live here. nullopt: `url` is none of theirs.
class LocalDocuments {
  public:
    virtual ~LocalDocuments() = default;
    virtual Task<std::optional<std::string>> find(std::string url) = 0;
};

// How long a document may take, redirects and body included; ours.
inline constexpr Milliseconds kDocumentPatience{5000};

// `local` may be nullptr; all outlive it.
std::unique_ptr<DocumentSource> make_document_source(net::Outbound& outbound, const Clock& clock,
                                                     LocalDocuments* local,
                                                     Milliseconds patience = kDocumentPatience);

}  // namespace ac::bearer
