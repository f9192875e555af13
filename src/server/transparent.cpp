#include "server/transparent.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"

namespace ac::server {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kPemBytesMax = 64 * 1024;

// The domains that cli/transparent/redirect.c sends here.
AuthorityTerms terms() {
    return {.name = "agentcored local authority",
            .domains = {"amazonaws.com", "amazonaws.com.cn", "amazoncognito.com", "api.aws"}};
}

fs::path folder_of(const Config& config) {
    return config.data_dir / "transparent";
}

// The one that is there; made when there is none or it has expired.
Result<AuthorityPem> open_authority(const fs::path& folder, const Clock& clock) {
    const auto certificate = read_file(folder / "ca.pem", kPemBytesMax);
    const auto key = read_file(folder / "ca-key.pem", kPemBytesMax);
    if (certificate && key) {
        AuthorityPem found{.certificate = *certificate, .key = *key};
        if (make_tls_server(found, terms(), clock)) return found;
        AC_LOG(warn, "the local certificate authority is made anew: what trusted it must be told",
               {"folder", folder.string()});
    }
    std::error_code error;
    fs::create_directories(folder, error);
    AC_TRY(AuthorityPem made, make_authority(terms(), clock));
    AC_CHECK(write_file(folder / "ca-key.pem", made.key, 0600));
    AC_CHECK(write_file(folder / "ca.pem", made.certificate, 0644));
    return made;
}

// 0: there was none.
std::uint16_t last_port(const fs::path& folder) {
    const auto text = read_file(folder / "port", 16);
    std::uint16_t port = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), port);
    return port;
}

Task<> answer(net::Exchange& exchange, json::object body) {
    net::Response response{.status = 200, .headers = {}, .body = json::serialize(body)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

}  // namespace

Result<std::unique_ptr<Transparent>> Transparent::open(const Config& config, const Clock& clock) {
    if (config.transparent_host.empty()) return nullptr;
    std::unique_ptr<Transparent> made(new Transparent(config, clock));
    AC_TRY(made->authority_, open_authority(folder_of(config), clock));
    AC_TRY(made->tls_, make_tls_server(made->authority_, terms(), clock));
    return made;
}

void Transparent::bind(wire::Api& api) const {
    api.bind_extension(
        "GET", "/x/transparent",
        [this](wire::CallContext, json::object, net::Exchange& exchange, net::Body&) {
            return answer(exchange, {{"endpoint", endpoint_},
                                     {"certificateAuthority", authority_.certificate}});
        });
}

Result<> Transparent::serve(Loops& loops, PipelineParts parts) {
    parts.is_secure = true;
    pipeline_ = std::make_unique<Pipeline>(std::move(parts));
    const auto listen = [&](std::uint16_t port) {
        return net::make_http_server(loops, clock_, *pipeline_, config_.transparent_host, port, {},
                                     tls_.get());
    };
    const std::uint16_t before = last_port(folder_of(config_));
    const bool is_free_choice = config_.transparent_port == 0;
    auto server = listen(is_free_choice ? before : config_.transparent_port);
    if (!server && is_free_choice && before != 0) server = listen(0);
    if (!server) return std::unexpected(std::move(server).error());
    server_ = *std::move(server);
    const std::uint16_t port = server_->endpoint().port();
    endpoint_ = fmt::format("{}:{}", config_.transparent_host, port);
    if (port == before) return {};
    return write_file(folder_of(config_) / "port", fmt::format("{}\n", port));
}

Task<> Transparent::drain(SteadyTime deadline) {
    co_return co_await server_->drain(deadline);
}

}  // namespace ac::server
