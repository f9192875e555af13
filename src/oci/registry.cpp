#include "oci/registry.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::oci {
namespace {

namespace json = boost::json;

constexpr Seconds kAnswerTimeout{60};  // a manifest, a token, the head of a blob
constexpr Seconds kBlobTimeout{1800};  // a whole layer
constexpr std::size_t kTokenBytesMax = 64 * 1024;
constexpr std::size_t kBlockBytes = 256 * 1024;
constexpr int kRedirectsMax = 5;
constexpr const char* kManifestTypes =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

bool is_loopback(std::string_view registry) {
    const std::string_view host = registry.substr(0, registry.rfind(':'));
    return host == "localhost" || host.starts_with("127.");
}

Result<> write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return fail(errno_error("write a layer", errno));
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

// What a registry says went wrong, as far as it may be shown.
std::string reason_in(const std::string& body) {
    boost::system::error_code error;
    const json::value value = json::parse(body, error);
    if (error) return {};
    const json::value* message = value.find_pointer("/errors/0/message", error);
    if (message == nullptr || !message->is_string()) return {};
    return ": " + std::string(message->as_string()).substr(0, 200);
}

struct Opened {
    std::unique_ptr<net::ClientExchange> exchange;
    net::ResponseHead head;
};

class RegistryPull final : public Pull {
  public:
    RegistryPull(net::Outbound& outbound, const Clock& clock, Reference reference,
                 RegistryOptions options)
        : outbound_(outbound),
          clock_(clock),
          reference_(std::move(reference)),
          options_(std::move(options)) {
        is_plain_ = is_loopback(reference_.registry) ||
                    (options_.is_plain && options_.is_plain(reference_.registry));
    }

    Task<std::string> manifest(std::string version) override;
    Task<> blob(Descriptor wanted, std::filesystem::path to) override;

  private:
    SteadyTime by(Seconds timeout) const { return clock_.steady() + timeout; }
    Result<net::Url> url(std::string_view kind, std::string_view name) const {
        return net::parse_url((is_plain_ ? "http://" : "https://") + reference_.registry + "/v2/" +
                              reference_.repository + "/" + std::string(kind) + "/" +
                              std::string(name));
    }
    Error refusal(int status, const std::string& body) const;
    Task<> authorize(std::string challenge);
    Task<> fetch_token(Challenge challenge, std::optional<Credentials> credentials);
    Task<Opened> open(net::Url from, SteadyTime deadline);
    Task<Opened> open_blob(std::string digest);
    Task<> save(Opened from, Descriptor wanted, std::filesystem::path to);

    net::Outbound& outbound_;
    const Clock& clock_;
    const Reference reference_;
    const RegistryOptions options_;
    bool is_plain_ = false;
    std::string authorization_;  // the field's value; empty: none yet
};

Error RegistryPull::refusal(int status, const std::string& body) const {
    const std::string what =
        reference_.text() + ": the registry answered " + std::to_string(status) + reason_in(body);
    if (status == 404) return {.code = ErrorCode::not_found, .message = what};
    if (status == 401 || status == 403) {
        return {.code = ErrorCode::permission_denied,
                .message = what + ". It wants credentials: registries." + reference_.registry +
                           " in the configuration"};
    }
    if (status == 429) return {.code = ErrorCode::throttled, .message = what};
    return {.code = ErrorCode::unavailable, .message = what};
}

Task<> RegistryPull::authorize(std::string challenge) {
    const auto parsed = parse_challenge(challenge);
    if (!parsed) co_return fail(ErrorCode::permission_denied, reference_.text() + ": not allowed");
    std::optional<Credentials> credentials;
    if (options_.credentials) {
        const std::string registry = reference_.registry;
        AC_CO_TRY(credentials, co_await options_.credentials(registry));
    }
    if (parsed->scheme == "bearer") co_return co_await fetch_token(*parsed, credentials);
    if (parsed->scheme != "basic" || !credentials) {
        const Error error = refusal(401, "");
        co_return fail(error);
    }
    authorization_ =
        "Basic " + to_base64(credentials->user + ":" + std::string(credentials->password->view()));
    co_return Result<>{};
}

Task<> RegistryPull::fetch_token(Challenge challenge, std::optional<Credentials> credentials) {
    AC_CO_TRY(net::Url realm, net::parse_url(challenge.realm));
    // A password must not leave for somewhere that anybody on the way can read.
    if (!realm.is_secure && !is_plain_)
        co_return fail(ErrorCode::permission_denied,
                       reference_.text() + ": the registry's token service has no TLS");
    realm.target += realm.target.find('?') == std::string::npos ? '?' : '&';
    realm.target += "service=" + percent_encode(challenge.service) +
                    "&scope=" + percent_encode("repository:" + reference_.repository + ":pull");
    net::OutboundRequest request{.url = realm, .answer_bytes_max = kTokenBytesMax};
    if (credentials) {
        request.headers.add("Authorization",
                            "Basic " + to_base64(credentials->user + ":" +
                                                 std::string(credentials->password->view())));
    }
    const SteadyTime deadline = by(kAnswerTimeout);
    AC_CO_TRY(const net::Response answer, co_await outbound_.fetch(std::move(request), deadline));
    if (answer.status != 200) {
        const Error error = refusal(answer.status, answer.body);
        co_return fail(error);
    }
    boost::system::error_code error;
    const json::value value = json::parse(answer.body, error);
    const json::object* object = error ? nullptr : value.if_object();
    for (const char* name : {"token", "access_token"}) {
        const json::value* token = object == nullptr ? nullptr : object->if_contains(name);
        if (token == nullptr || !token->is_string()) continue;
        authorization_ = "Bearer " + std::string(token->as_string());
        co_return Result<>{};
    }
    co_return fail(ErrorCode::invalid_argument,
                   reference_.text() + ": the registry's token service answered no token");
}

Task<std::string> RegistryPull::manifest(std::string version) {
    AC_CO_TRY(const net::Url from, url("manifests", version));
    for (int attempt = 0;; ++attempt) {
        net::OutboundRequest request{
            .url = from, .answer_bytes_max = kDocumentBytesMax, .redirects_max = kRedirectsMax};
        request.headers.add("Accept", kManifestTypes);
        if (!authorization_.empty()) request.headers.add("Authorization", authorization_);
        const SteadyTime deadline = by(kAnswerTimeout);
        AC_CO_TRY(net::Response answer, co_await outbound_.fetch(std::move(request), deadline));
        if (answer.status == 401 && attempt == 0) {
            std::string challenge(answer.headers.get("WWW-Authenticate"));
            AC_CO_CHECK(co_await authorize(std::move(challenge)));
            continue;
        }
        if (answer.status != 200) {
            const Error error = refusal(answer.status, answer.body);
            co_return fail(error);
        }
        if (is_digest(version) && "sha256:" + sha256_hex(answer.body) != version)
            co_return fail(ErrorCode::invalid_argument,
                           reference_.text() + ": the registry's manifest is not " + version);
        co_return std::move(answer.body);
    }
}

Task<Opened> RegistryPull::open(net::Url from, SteadyTime deadline) {
    for (int redirects = 0;; ++redirects) {
        net::RequestHead head{.method = "GET", .target = from.target, .headers = {}};
        head.headers.add("Host", from.authority());
        head.headers.add("User-Agent", "agentcored");
        // The registry's token stays with the registry: layers often lie in a store elsewhere.
        if (redirects == 0 && !authorization_.empty())
            head.headers.add("Authorization", authorization_);
        Opened out;
        for (bool again = true; again;) {
            again = false;
            AC_CO_TRY(out.exchange, co_await outbound_.open(from, deadline));
            out.exchange->set_deadline(deadline);
            Result<> sent = co_await out.exchange->send_head(head, 0);
            if (sent) sent = co_await out.exchange->finish_request();
            Result<net::ResponseHead> answered = fail(ErrorCode::cancelled, "not sent");
            const SteadyTime head_deadline = by(kAnswerTimeout);
            if (sent) answered = co_await out.exchange->read_head(head_deadline);
            if (!answered) {
                again = out.exchange->may_retry();
                if (!again) co_return fail(std::move(answered).error());
                continue;
            }
            out.head = std::move(*answered);
        }
        const int status = out.head.status;
        if (status < 300 || status >= 400) co_return std::move(out);
        if (redirects == kRedirectsMax)
            co_return fail(ErrorCode::unavailable, reference_.text() + ": too many redirects");
        AC_CO_TRY(net::Url next, net::resolve_url(from, out.head.headers.get("Location")));
        if (from.is_secure && !next.is_secure)
            co_return fail(ErrorCode::permission_denied,
                           reference_.text() + ": a redirect leads away from TLS");
        from = std::move(next);
    }
}

Task<Opened> RegistryPull::open_blob(std::string digest) {
    AC_CO_TRY(const net::Url from, url("blobs", digest));
    for (int attempt = 0;; ++attempt) {
        const SteadyTime deadline = by(kBlobTimeout);
        AC_CO_TRY(Opened out, co_await open(from, deadline));
        if (out.head.status == 401 && attempt == 0) {
            std::string challenge(out.head.headers.get("WWW-Authenticate"));
            AC_CO_CHECK(co_await authorize(std::move(challenge)));
            continue;
        }
        if (out.head.status != 200) {
            const Error error = refusal(out.head.status, "");
            co_return fail(error);
        }
        co_return std::move(out);
    }
}

Task<> RegistryPull::save(Opened from, Descriptor wanted, std::filesystem::path to) {
    const UniqueFd file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) co_return fail(errno_error("write a layer", errno));
    Hasher hasher;
    std::uint64_t size = 0;
    std::string block(kBlockBytes, '\0');
    const std::span<char> room(block);
    while (true) {
        AC_CO_TRY(const std::size_t count, co_await from.exchange->body().read_some(room));
        if (count == 0) break;
        size += count;
        if (size > wanted.size)
            co_return fail(ErrorCode::invalid_argument,
                           reference_.text() + ": " + wanted.digest + " is larger than described");
        const std::string_view bytes(block.data(), count);
        hasher.update(bytes);
        AC_CO_CHECK(write_all(file.get(), bytes));
    }
    if (size != wanted.size || "sha256:" + hasher.finish_hex() != wanted.digest)
        co_return fail(ErrorCode::invalid_argument,
                       reference_.text() + ": what came for " + wanted.digest + " is not that");
    co_return Result<>{};
}

Task<> RegistryPull::blob(Descriptor wanted, std::filesystem::path to) {
    AC_CO_TRY(Opened from, co_await open_blob(wanted.digest));
    co_return co_await save(std::move(from), std::move(wanted), std::move(to));
}

}  // namespace

std::unique_ptr<Pull> make_pull(net::Outbound& outbound, const Clock& clock, Reference reference,
                                RegistryOptions options) {
    return std::make_unique<RegistryPull>(outbound, clock, std::move(reference),
                                          std::move(options));
}

}  // namespace ac::oci
