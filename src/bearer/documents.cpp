#include "bearer/documents.h"

#include <charconv>

#include "base/encoding.h"
#include "crypto/jwks.h"

namespace ac::bearer {
namespace {

constexpr int kRedirectsMax = 3;

// Cache-Control: max-age=N, no-store, no-cache (RFC 9111 5.2.2).
std::optional<Seconds> max_age_of(std::string_view control) {
    while (!control.empty()) {
        const auto end = std::min(control.find(','), control.size());
        const std::string directive = to_lower(trim(control.substr(0, end)));
        control.remove_prefix(std::min(end + 1, control.size()));
        if (directive == "no-store" || directive == "no-cache") return Seconds{0};
        constexpr std::string_view kMaxAge = "max-age=";
        if (!directive.starts_with(kMaxAge)) continue;
        std::int64_t seconds = 0;
        const char* last = directive.data() + directive.size();
        const auto read = std::from_chars(directive.data() + kMaxAge.size(), last, seconds);
        if (read.ec == std::errc{} && read.ptr == last && seconds >= 0) return Seconds{seconds};
    }
    return std::nullopt;
}

class Source final : public DocumentSource {
  public:
    Source(net::Outbound& outbound, const Clock& clock, LocalDocuments* local,
           Milliseconds patience)
        : outbound_(outbound), clock_(clock), local_(local), patience_(patience) {}

    Task<Document> get(std::string url) override {
        if (local_ != nullptr) {
            AC_CO_TRY(auto text, co_await local_->find(url));
            if (text) co_return Document{.text = *std::move(text), .max_age = std::nullopt};
        }
        net::OutboundRequest request;
        AC_CO_TRY(request.url, net::parse_url(url));
        request.headers.add("Accept", "application/json");
        request.answer_bytes_max = kJwksBytesMax;
        request.redirects_max = kRedirectsMax;
        const std::string origin = request.url.origin();
        AC_CO_TRY(net::Response response,
                  co_await outbound_.fetch(std::move(request), clock_.steady() + patience_));
        if (response.status != 200) {
            co_return fail(ErrorCode::unavailable,
                           origin + " answered " + std::to_string(response.status));
        }
        co_return Document{.text = std::move(response.body),
                           .max_age = max_age_of(response.headers.get("Cache-Control"))};
    }

  private:
    net::Outbound& outbound_;
    const Clock& clock_;
    LocalDocuments* local_;
    const Milliseconds patience_;
};

}  // namespace

std::unique_ptr<DocumentSource> make_document_source(net::Outbound& outbound, const Clock& clock,
                                                     LocalDocuments* local, Milliseconds patience) {
    return std::make_unique<Source>(outbound, clock, local, patience);
}

}  // namespace ac::bearer
