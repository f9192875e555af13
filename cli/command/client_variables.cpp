#include "cli/command/client_variables.h"

#include <fmt/format.h>

#include "base/file.h"
#include "cli/transparent/environment.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kBundleBytesMax = 16 << 20;

// Where distributions keep the authorities of the system as one file.
constexpr const char* kSystemBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

// What this user's programs trust already.
std::string trusted_before(const World& world, const fs::path& ours) {
    if (const auto chosen = world.variable("SSL_CERT_FILE"); !chosen.empty() && chosen != ours)
        if (auto text = read_file(chosen, kBundleBytesMax)) return *text;
    for (const char* place : kSystemBundles)
        if (auto text = read_file(place, kBundleBytesMax)) return *text;
    return {};
}

struct Trust {
    fs::path authority;  // the daemon's alone, for programs that add it to their own
    fs::path bundle;     // with all others, for those that take one file instead
};

Expected<Trust> write_trust(const World& world, const fs::path& data_dir,
                            const std::string& certificate) {
    const fs::path folder = data_dir / "transparent";
    const Trust trust{.authority = folder / "ca.pem", .bundle = folder / "ca-bundle.pem"};
    std::error_code error;
    fs::create_directories(folder, error);
    if (read_file(trust.authority, kBundleBytesMax).value_or("") != certificate)
        AC_CHECK(write_file(trust.authority, certificate, 0644));
    std::string all = trusted_before(world, trust.bundle);
    if (!all.empty() && !all.ends_with('\n')) all += '\n';
    AC_CHECK(write_file(trust.bundle, all + certificate, 0644));
    return trust;
}

struct Listener {
    std::string endpoint;
    std::string certificate;
};

Expected<Listener> find_listener(const Connection& connection) {
    const auto document =
        connection.client->document({.method = "GET", .target = "/x/transparent"});
    Listener found;
    if (document)
        found = {text_at(*document, "endpoint"), text_at(*document, "certificateAuthority")};
    else if (document.error().code != ExitCode::not_found)
        return std::unexpected(document.error());
    if (found.endpoint.empty() || found.certificate.empty())
        return failed(ExitCode::not_found, "the daemon does not serve transparent clients",
                      "Its configuration has transparent.listen off.");
    return found;
}

}  // namespace

Variables client_variables(const World& world, const Connection& connection) {
    const std::string url = connection.url.text();
    Variables out = {{"AWS_ENDPOINT_URL", url},
                     {"AWS_ACCESS_KEY_ID", connection.credentials.access_key_id},
                     {"AWS_SECRET_ACCESS_KEY", connection.credentials.secret_access_key},
                     {"AWS_REGION", connection.region},
                     {"AWS_DEFAULT_REGION", connection.region},
                     {"BEDROCK_AGENTCORE_DP_ENDPOINT", url},
                     {"BEDROCK_AGENTCORE_CP_ENDPOINT", url},
                     {"BEDROCK_AGENTCORE_CONTROL_ENDPOINT", url},
                     {"AGENTCORE_ENDPOINT", url}};
    // A token left over from another account would be sent with our key and spoil it.
    const auto& token = connection.credentials.session_token;
    if (!token.empty() || !world.variable("AWS_SESSION_TOKEN").empty())
        out.emplace_back("AWS_SESSION_TOKEN", token);
    return out;
}

Expected<Variables> transparent_variables(const World& world, const Connection& connection) {
    const fs::path library = world.program.parent_path() / kRedirectLibrary;
    std::error_code error;
    if (!fs::is_regular_file(library, error))
        return failed(ExitCode::not_found,
                      fmt::format("{} is not beside this program", kRedirectLibrary),
                      "Install it there; the build makes it in the folder of the programs.");
    AC_TRY(const Listener listener, find_listener(connection));
    AC_TRY(const Trust trust, write_trust(world, connection.data_dir, listener.certificate));
    Variables out = client_variables(world, connection);
    // Clients that check these want a host of AWS's in them, which is what they have without.
    for (auto& [name, value] : out)
        if (name.starts_with("BEDROCK_AGENTCORE_")) value.reset();
    out.emplace_back("BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT", std::nullopt);
    std::string preload = library.string();
    if (const auto others = without_redirect_library(world.variable("LD_PRELOAD")); !others.empty())
        preload += ":" + others;
    out.emplace_back("LD_PRELOAD", preload);
    out.emplace_back(kRedirectTarget, listener.endpoint);
    for (const char* name :
         {"AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})
        out.emplace_back(name, trust.bundle.string());
    out.emplace_back("NODE_EXTRA_CA_CERTS", trust.authority.string());
    return out;
}

}  // namespace ac::cli
