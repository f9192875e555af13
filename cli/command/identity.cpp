// `agentcore identity ...`: credentials and who uses them. Values come from a prompt, stdin or a
// file, never from the command line, which other users of the host can read.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/command/answer.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kSecretBytesMax = 65'536;

Expected<json::value> ask(const Context& context, std::string method, std::string target,
                          const json::object* input) {
    AC_TRY(const Connection connection, connect(context.world, context.common, ""));
    Call what{.method = std::move(method), .target = std::move(target)};
    if (input) {
        what.headers.add("Content-Type", "application/json");
        what.body = {.text = json::serialize(*input)};
    }
    return connection.client->document(std::move(what));
}

Expected<json::value> call(const Context& context, const std::string& operation,
                           const json::object& input) {
    return ask(context, "POST", "/identities/" + operation, &input);
}

Expected<std::string> read_secret(const Context& context, const IdentityOptions& options) {
    std::optional<std::string> secret;
    if (!options.file.empty() && options.file != "-") {
        auto text = read_file(context.world.folder / options.file, kSecretBytesMax);
        if (!text)
            return failed(ExitCode::usage, "cannot read " + options.file, text.error().message);
        secret = *std::move(text);
    } else if (options.file.empty() && context.console().in_is_terminal()) {
        secret = context.console().read_secret("Value (not shown): ");
        context.console().err("\n");
    } else {
        secret = context.console().read_all(kSecretBytesMax);
    }
    if (!secret) return failed(ExitCode::usage, "the value is too long, or there is none");
    while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
    if (secret->empty()) return failed(ExitCode::usage, "the value is empty");
    return *std::move(secret);
}

void say(const Context& context, const json::value& document, const std::string& text) {
    context.console().out(context.common.json ? json::serialize(document) + "\n" : text);
}

std::string noun_of(const std::string& kind) {
    if (kind == "workload") return "WorkloadIdentity";
    return kind == "api-key" ? "ApiKeyCredentialProvider" : "Oauth2CredentialProvider";
}

Expected<json::object> oauth_input(const Context& context, const IdentityOptions& options) {
    AC_TRY(const std::string secret, read_secret(context, options));
    json::object config{{"clientId", options.client_id}, {"clientSecret", secret}};
    std::string member = "includedOauth2ProviderConfig";
    for (const char* own : {"Google", "Github", "Slack", "Salesforce", "Microsoft", "Atlassian",
                            "Linkedin", "Custom"})
        if (options.vendor == std::string(own) + "Oauth2") {
            member = std::string(own) + "Oauth2ProviderConfig";
            member[0] = static_cast<char>(member[0] - 'A' + 'a');
        }
    if (!options.discovery_url.empty())
        config["oauthDiscovery"] = json::object{{"discoveryUrl", options.discovery_url}};
    json::object input;
    input["credentialProviderVendor"] = options.vendor;
    input["oauth2ProviderConfigInput"] = json::object{{member, std::move(config)}};
    return input;
}

Expected<json::object> input_of(const Context& context, const IdentityOptions& options) {
    json::object input;
    if (options.kind == "workload") {
        json::array urls;
        for (const std::string& url : options.return_urls) urls.emplace_back(url);
        input["allowedResourceOauth2ReturnUrls"] = std::move(urls);
    } else if (options.kind == "api-key") {
        AC_TRY(const std::string secret, read_secret(context, options));
        input["apiKey"] = secret;
    } else {
        AC_TRY(input, oauth_input(context, options));
    }
    if (!options.expires_at.empty())
        input["tags"] = json::object{{"agentcore:expires-at", options.expires_at}};
    input["name"] = options.name;
    return input;
}

Expected<> list(const Context& context, const IdentityOptions& options) {
    const std::string plural =
        options.kind == "workload" ? "WorkloadIdentities" : noun_of(options.kind) + "s";
    const std::string_view member =
        options.kind == "workload" ? "workloadIdentities" : "credentialProviders";
    json::array all;
    json::object input;
    while (true) {
        AC_TRY(const json::value page, call(context, "List" + plural, input));
        if (const auto* items = member_at(page, member).if_array())
            all.insert(all.end(), items->begin(), items->end());
        const std::string next = text_at(page, "nextToken");
        if (next.empty()) break;
        input["nextToken"] = next;
    }
    std::string text;
    for (const json::value& item : all) {
        text += text_at(item, "name");
        if (const auto vendor = text_at(item, "credentialProviderVendor"); !vendor.empty())
            text += "  " + vendor;
        text += "\n";
    }
    json::object document;
    document[member] = std::move(all);
    say(context, document, text.empty() ? "None.\n" : text);
    return {};
}

// As an agent does: a token of the workload, then the key.
Expected<> print_key(const Context& context, const IdentityOptions& options) {
    const json::object workload{{"workloadName", options.workload}};
    AC_TRY(const json::value token, call(context, "GetWorkloadAccessToken", workload));
    const json::object input{{"workloadIdentityToken", text_at(token, "workloadAccessToken")},
                             {"resourceCredentialProviderName", options.name}};
    AC_TRY(const json::value key, call(context, "api-key", input));
    say(context, key, text_at(key, "apiKey") + "\n");
    return {};
}

Expected<> audit(const Context& context, const IdentityOptions& options) {
    std::string target = fmt::format("/x/identity/audit?tail={}", options.tail);
    if (!options.workload.empty()) target += "&workload=" + percent_encode(options.workload);
    if (!options.provider.empty()) target += "&provider=" + percent_encode(options.provider);
    if (options.verify) target += "&verify=true";
    AC_TRY(const json::value found, ask(context, "GET", std::move(target), nullptr));
    std::string text;
    if (const auto* entries = member_at(found, "entries").if_array())
        for (const json::value& entry : *entries)
            text += fmt::format("{}  {}  {}  {}  {}  {}  by {}\n", text_at(entry, "time"),
                                text_at(entry, "operation"), text_at(entry, "result"),
                                text_at(entry, "provider"), text_at(entry, "workload"),
                                text_at(entry, "user"), text_at(entry, "principal"));
    const std::string problem = text_at(found, "problem");
    if (options.verify && problem.empty()) text += "The log is intact.\n";
    say(context, found, text);
    if (!problem.empty()) return failed(ExitCode::failed, problem);
    return {};
}

}  // namespace

Expected<> run(const Context& context, const IdentityOptions& options) {
    if (options.verb == "list") return list(context, options);
    if (options.verb == "get") return print_key(context, options);
    if (options.verb == "audit") return audit(context, options);
    if (options.verb == "rotate-key") {
        const json::object nothing;
        AC_TRY(const json::value made, ask(context, "POST", "/x/identity/rotate-key", &nothing));
        say(context, made,
            fmt::format("The vault's key is {} now; records are rewrapped in the background.\n",
                        text_at(made, "keyId")));
        return {};
    }
    const std::string noun = noun_of(options.kind);
    if (options.verb == "create" || options.verb == "update") {
        AC_TRY(const json::object input, input_of(context, options));
        const std::string operation = (options.verb == "create" ? "Create" : "Update") + noun;
        AC_TRY(const json::value made, call(context, operation, input));
        std::string text = fmt::format("{} {}.\n", options.name, options.verb + "d");
        if (const auto url = text_at(made, "callbackUrl"); !url.empty())
            text += fmt::format("Register this callback URL with the provider: {}\n", url);
        say(context, made, text);
        return {};
    }
    const json::object named{{"name", options.name}};
    const std::string operation = (options.verb == "show" ? "Get" : "Delete") + noun;
    AC_TRY(const json::value answer, call(context, operation, named));
    say(context, answer,
        options.verb == "show" ? pretty(answer) + "\n"
                               : fmt::format("Deleted {}.\n", options.name));
    return {};
}

}  // namespace ac::cli
