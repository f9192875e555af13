#include "crypto/local_authority.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "crypto/tls_openssl.h"
#include "crypto/x509.h"

namespace ac {
namespace {

using openssl::refused;
using x509::Certificate;
using x509::Key;

constexpr std::chrono::hours kDay{24};
constexpr auto kAuthorityLife = 3650 * kDay;
// Of a server's certificate; made anew after half of it.
constexpr auto kServerLife = 90 * kDay;
// Clocks of clients may be behind.
constexpr auto kBackdated = 1 * kDay;
constexpr std::size_t kServersMax = 1000;   // certificates in memory
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035 2.3.4
constexpr std::string_view kLocalhost = "localhost";

std::string constraints_of(const AuthorityTerms& terms) {
    std::string out = "critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0";
    for (const std::string& domain : terms.domains) out += ",permitted;DNS:" + domain;
    return out;
}

bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= kHostBytesMax && host.front() != '.' &&
           host.front() != '-' && std::ranges::all_of(host, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

// In lower case; localhost for none.
std::string host_named(SSL* session) {
    const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    std::string host(name == nullptr ? kLocalhost : std::string_view(name));
    std::ranges::transform(host, host.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    return host;
}

// Makes certificates for hosts' names; thread-safe.
class Authority final {
  public:
    Authority(Certificate certificate, Key key, Key server_key, AuthorityTerms terms,
              const Clock& clock)
        : certificate_(std::move(certificate)),
          key_(std::move(key)),
          server_key_(std::move(server_key)),
          terms_(std::move(terms)),
          clock_(clock) {}

    bool vouches_for(std::string_view host) const {
        if (host == kLocalhost) return true;
        return is_host_name(host) && std::ranges::any_of(terms_.domains, [&](const auto& domain) {
                   return host == domain ||
                          (host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
               });
    }

    // Gives the session the host's certificate.
    bool equip(SSL* session, const std::string& host) {
        const std::lock_guard lock(mutex_);
        auto found = servers_.find(host);
        if (found == servers_.end() || found->second.until < clock_.wall()) {
            auto made = make(host);
            if (!made) return false;
            if (servers_.size() >= kServersMax) servers_.clear();
            const WallTime until = clock_.wall() + kServerLife / 2;
            found = servers_.insert_or_assign(host, Server{*std::move(made), until}).first;
        }
        return SSL_use_certificate(session, found->second.certificate.get()) == 1 &&
               SSL_use_PrivateKey(session, server_key_.get()) == 1;
    }

  private:
    struct Server {
        Certificate certificate;
        WallTime until;
    };

    Result<Certificate> make(const std::string& host) const {
        std::string names = "DNS:" + host;
        if (host == kLocalhost) names += ",IP:127.0.0.1";
        const x509::Wanted wanted{.organization = terms_.name,
                                  .from = clock_.wall() - kBackdated,
                                  .to = clock_.wall() + kServerLife,
                                  .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                                 {NID_key_usage, "critical,digitalSignature"},
                                                 {NID_ext_key_usage, "serverAuth"},
                                                 {NID_subject_alt_name, std::move(names)},
                                                 {NID_subject_key_identifier, "hash"},
                                                 {NID_authority_key_identifier, "keyid:always"}}};
        return x509::make_certificate(wanted, *server_key_, certificate_.get(), *key_);
    }

    const Certificate certificate_;
    const Key key_;
    const Key server_key_;
    const AuthorityTerms terms_;
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Server> servers_;  // by host
};

int on_server_name(SSL* session, int* alert, void* authority) {
    if (static_cast<Authority*>(authority)->vouches_for(host_named(session)))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int on_certificate(SSL* session, void* authority) {
    return static_cast<Authority*>(authority)->equip(session, host_named(session)) ? 1 : 0;
}

class AuthorityServer final : public TlsServer {
  public:
    AuthorityServer(std::unique_ptr<Authority> authority, std::unique_ptr<TlsServer> server)
        : authority_(std::move(authority)), server_(std::move(server)) {}
    Result<std::unique_ptr<TlsSession>> accept() const override { return server_->accept(); }

  private:
    // Sessions ask it through the server's context, also those that outlive this: they are done
    // with their handshakes or fail.
    std::unique_ptr<Authority> authority_;
    std::unique_ptr<TlsServer> server_;
};

}  // namespace

Result<AuthorityPem> make_authority(const AuthorityTerms& terms, const Clock& clock) {
    AC_TRY(const Key key, x509::make_key());
    const x509::Wanted wanted{.organization = terms.name,
                              .from = clock.wall() - kBackdated,
                              .to = clock.wall() + kAuthorityLife,
                              .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                             {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                             {NID_name_constraints, constraints_of(terms)},
                                             {NID_subject_key_identifier, "hash"}}};
    AC_TRY(const Certificate certificate, x509::make_certificate(wanted, *key, nullptr, *key));
    AuthorityPem out;
    AC_TRY(out.certificate, x509::to_pem(*certificate));
    AC_TRY(out.key, x509::to_pem(*key));
    return out;
}

Result<std::unique_ptr<TlsServer>> make_tls_server(const AuthorityPem& authority,
                                                   const AuthorityTerms& terms,
                                                   const Clock& clock) {
    Certificate certificate = x509::certificate_from_pem(authority.certificate);
    Key key = x509::key_from_pem(authority.key);
    if (!certificate || !key || X509_check_private_key(certificate.get(), key.get()) != 1)
        return fail(ErrorCode::invalid_argument, "not an authority's certificate with its key");
    auto now = static_cast<time_t>(
        std::chrono::duration_cast<Seconds>(clock.wall().time_since_epoch()).count());
    if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &now) <= 0)
        return fail(ErrorCode::invalid_argument, "the authority's certificate has expired");
    AC_TRY(Key server_key, x509::make_key());
    auto issuing = std::make_unique<Authority>(std::move(certificate), std::move(key),
                                               std::move(server_key), terms, clock);
    AC_TRY(auto context, openssl::make_context(TLS_server_method()));
    SSL_CTX_set_tlsext_servername_callback(context.get(), on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context.get(), issuing.get());
    SSL_CTX_set_cert_cb(context.get(), on_certificate, issuing.get());
    auto server = openssl::make_server(std::move(context));
    return std::make_unique<AuthorityServer>(std::move(issuing), std::move(server));
}

}  // namespace ac
