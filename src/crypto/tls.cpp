#include "crypto/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <mutex>

#include "crypto/tls_openssl.h"

namespace ac {
namespace {

using openssl::Context;
using openssl::make_context;
using openssl::refused;
using openssl::take_error;

struct FreeSession {
    void operator()(SSL* session) const { SSL_free(session); }
};
using Session = std::unique_ptr<SSL, FreeSession>;

// ALPN's lists, each name after its length, the preferred one first.
constexpr std::string_view kHttp1 = "\x08http/1.1";
constexpr std::string_view kHttp2OrHttp1 = "\x02h2\x08http/1.1";

const unsigned char* unsigned_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

class OpensslSession final : public TlsSession {
  public:
    // The memory BIOs belong to the session.
    explicit OpensslSession(Session session)
        : session_(std::move(session)),
          input_(BIO_new(BIO_s_mem())),
          output_(BIO_new(BIO_s_mem())) {
        AC_ASSERT(input_ != nullptr && output_ != nullptr);
        BIO_set_mem_eof_return(input_, -1);  // empty means "not yet"
        SSL_set_bio(session_.get(), input_, output_);
    }

    Result<bool> handshake() override;
    void feed(std::string_view ciphertext) override {
        BIO_write(input_, ciphertext.data(), static_cast<int>(ciphertext.size()));
    }
    void feed_end() override { BIO_set_mem_eof_return(input_, 0); }
    Result<std::optional<std::size_t>> read(std::span<char> out) override;
    Result<> write(std::string_view plaintext) override;
    void write_end() override {
        SSL_shutdown(session_.get());
        ERR_clear_error();
    }
    std::string_view output() const override {
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(output_, &bytes);
        return {bytes, static_cast<std::size_t>(size)};
    }
    void consume_output(std::size_t bytes) override {
        std::array<char, 16 * 1024> sink;
        while (bytes > 0) {
            const auto part = std::min(bytes, sink.size());
            BIO_read(output_, sink.data(), static_cast<int>(part));
            bytes -= part;
        }
    }

  private:
    Session session_;
    BIO* input_;
    BIO* output_;
};

Result<bool> OpensslSession::handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    if (done == 1) return true;
    const int why = SSL_get_error(session_.get(), done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict != X509_V_OK) {
        ERR_clear_error();
        return fail(ErrorCode::permission_denied,
                    std::string("the server's certificate is not accepted: ") +
                        X509_verify_cert_error_string(verdict));
    }
    return fail(ErrorCode::cancelled, "the TLS handshake failed: " + take_error());
}

Result<std::optional<std::size_t>> OpensslSession::read(std::span<char> out) {
    ERR_clear_error();
    std::size_t count = 0;
    const int done = SSL_read_ex(session_.get(), out.data(), out.size(), &count);
    if (done == 1) return count;
    switch (SSL_get_error(session_.get(), done)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return std::nullopt;
        case SSL_ERROR_ZERO_RETURN:
            return std::size_t{0};
        default:
            return fail(ErrorCode::cancelled, "the TLS connection failed: " + take_error());
    }
}

Result<> OpensslSession::write(std::string_view plaintext) {
    if (plaintext.empty()) return {};
    ERR_clear_error();
    std::size_t count = 0;
    // The memory BIO takes everything, so nothing is ever written in part.
    if (SSL_write_ex(session_.get(), plaintext.data(), plaintext.size(), &count) == 1) return {};
    return fail(ErrorCode::cancelled, "the TLS connection failed: " + take_error());
}

// The system's certificate authorities, read once a process, and only when a connection wants them:
// parsing all of them takes 20 ms. nullptr: they cannot be read.
X509_STORE* system_authorities() {
    static X509_STORE* const kStore = [] {
        X509_STORE* const store = X509_STORE_new();
        if (store == nullptr || X509_STORE_set_default_paths(store) == 1) return store;
        X509_STORE_free(store);
        return static_cast<X509_STORE*>(nullptr);
    }();
    return kStore;
}

enum class Authorities { own, systems };

class OpensslClient final : public TlsClient {
  public:
    OpensslClient(Context context, Authorities authorities)
        : context_(std::move(context)), authorities_(authorities) {}
    Result<std::unique_ptr<TlsSession>> connect(const std::string& host) const override;

  private:
    const Context context_;
    const Authorities authorities_;
    mutable std::once_flag trusted_;
};

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes;
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

Result<std::unique_ptr<TlsSession>> OpensslClient::connect(const std::string& host) const {
    if (authorities_ == Authorities::systems) {
        X509_STORE* const store = system_authorities();
        if (store == nullptr) return refused("the certificate authorities cannot be read");
        std::call_once(trusted_, [&] { SSL_CTX_set1_cert_store(context_.get(), store); });
    }
    Session session(SSL_new(context_.get()));
    if (!session) return refused("no TLS session");
    bool named = false;
    if (is_address(host)) {
        named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str()) == 1;
    } else {
        SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        named = SSL_set1_host(session.get(), host.c_str()) == 1 &&
                SSL_set_tlsext_host_name(session.get(), host.c_str()) == 1;
    }
    if (!named) return refused("not a host name");
    SSL_set_connect_state(session.get());
    return std::make_unique<OpensslSession>(std::move(session));
}

class OpensslServer final : public TlsServer {
  public:
    explicit OpensslServer(Context context) : context_(std::move(context)) {}
    Result<std::unique_ptr<TlsSession>> accept() const override {
        Session session(SSL_new(context_.get()));
        if (!session) return refused("no TLS session");
        SSL_set_accept_state(session.get());
        return std::make_unique<OpensslSession>(std::move(session));
    }

  private:
    Context context_;
};

// A client that offers other protocols only is served HTTP/1.1 all the same.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, out_size, unsigned_bytes(kHttp2OrHttp1),
                              static_cast<unsigned>(kHttp2OrHttp1.size()), offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

namespace openssl {

std::string take_error() {
    std::array<char, 256> text{};
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "the connection broke off";
    ERR_error_string_n(code, text.data(), text.size());
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : text.data();
}

std::unexpected<Error> refused(const char* what) {
    return fail(ErrorCode::invalid_argument, std::string(what) + ": " + take_error());
}

Result<Context> make_context(const SSL_METHOD* method) {
    Context context(SSL_CTX_new(method));
    if (!context) return refused("no TLS context");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    return context;
}

std::unique_ptr<TlsServer> make_server(Context context) {
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    return std::make_unique<OpensslServer>(std::move(context));
}

}  // namespace openssl

Result<std::unique_ptr<TlsClient>> make_tls_client(const TlsClientOptions& options) {
    AC_TRY(auto context, make_context(TLS_client_method()));
    const bool has_own = !options.ca_file.empty();
    if (has_own &&
        SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1)
        return refused("the certificate authorities cannot be read");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    // 0 is success for this function alone.
    if (SSL_CTX_set_alpn_protos(context.get(), unsigned_bytes(kHttp1),
                                static_cast<unsigned>(kHttp1.size())) != 0)
        return refused("ALPN");
    return std::make_unique<OpensslClient>(std::move(context),
                                           has_own ? Authorities::own : Authorities::systems);
}

Result<std::unique_ptr<TlsServer>> make_tls_server(const TlsServerOptions& options) {
    AC_TRY(auto context, make_context(TLS_server_method()));
    if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1)
        return refused("the TLS certificate cannot be read");
    if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
        return refused("the TLS key cannot be read");
    if (SSL_CTX_check_private_key(context.get()) != 1)
        return refused("the TLS key is not the certificate's");
    return openssl::make_server(std::move(context));
}

}  // namespace ac
