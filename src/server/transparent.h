#pragma once
// The listener for clients that insist on AWS's own host names: HTTPS under any name below AWS's
// domains, with certificates of an authority that this data folder made once and that only those
// programs trust whose user tells them to (`agentcore env --transparent`). What is served is the
// same as on the other listener.
//
// Below the data folder: transparent/ca.pem, ca-key.pem (mode 0600), port (the last one, so that
// what shells have exported stays true).

#include <memory>
#include <string>

#include "crypto/local_authority.h"
#include "server/config.h"
#include "server/pipeline.h"
#include "wire/api.h"

namespace ac::server {

class Transparent final {
  public:
    // nullptr where configuration has it off. unavailable, invalid_argument: the authority's files.
    // `clock` outlives it.
    static Result<std::unique_ptr<Transparent>> open(const Config& config, const Clock& clock);

    // GET /x/transparent: {"endpoint": "127.0.0.1:PORT", "certificateAuthority": PEM}.
    void bind(wire::Api& api) const;

    // Starts serving. `parts` and the loops outlive it, and drain() comes first.
    Result<> serve(Loops& loops, PipelineParts parts);
    Task<> drain(SteadyTime deadline);
    // When the loops have stopped, before what `parts` names is gone.
    void close() { server_.reset(); }

  private:
    Transparent(const Config& config, const Clock& clock) : config_(config), clock_(clock) {}

    const Config& config_;
    const Clock& clock_;
    AuthorityPem authority_;
    std::unique_ptr<TlsServer> tls_;
    std::string endpoint_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<net::HttpServer> server_;
};

}  // namespace ac::server
