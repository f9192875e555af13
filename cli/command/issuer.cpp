// `agentcore issuer ...`: clients and users of the development issuer.

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kIssuer = "/x/issuer";
constexpr std::size_t kPasswordBytesMax = 4096;

Expected<json::value> call(const Context& context, Call what) {
    AC_TRY(const Connection connection, connect(context.world, context.common, ""));
    return connection.client->document(std::move(what));
}

Call post(std::string_view path, const json::object& body) {
    Call what{.method = "POST", .target = std::string(kIssuer) + std::string(path)};
    what.headers.add("Content-Type", "application/json");
    what.body = {.text = json::serialize(body)};
    return what;
}

Expected<> remove(const Context& context, std::string_view path, const std::string& name) {
    Call what{.method = "DELETE",
              .target = fmt::format("{}{}/{}", kIssuer, path, percent_encode(name))};
    AC_CHECK(call(context, std::move(what)));
    context.console().out(context.common.json
                              ? json::serialize(json::object{{"removed", name}}) + "\n"
                              : fmt::format("Removed {}.\n", name));
    return {};
}

// What is typed does not appear on the terminal.
class SilentTerminal final {
  public:
    SilentTerminal() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_terminal_) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    ~SilentTerminal() {
        if (is_terminal_) (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;

  private:
    termios before_{};
    bool is_terminal_;
};

// Never from the command line, which others can see.
Expected<std::string> password_for(const Context& context, const IssuerUserOptions& options) {
    if (!options.password_file.empty()) {
        auto text = read_file(options.password_file, kPasswordBytesMax);
        if (!text) return failed(ExitCode::usage, text.error().message);
        while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
        return *std::move(text);
    }
    std::optional<std::string> line;
    if (context.console().in_is_terminal()) {
        context.console().err("Password: ");
        const SilentTerminal silent;
        line = context.console().read_line();
        context.console().err("\n");
    } else {
        line = context.console().read_line();
    }
    return line.value_or("");
}

void print_list(const Context& context, const json::value& found, std::string_view member,
                std::initializer_list<std::string_view> columns) {
    if (context.common.json) {
        context.console().out(json::serialize(found) + "\n");
        return;
    }
    const auto* list = member_at(found, member).if_array();
    for (std::size_t i = 0; list && i < list->size(); ++i) {
        std::string line;
        for (const std::string_view column : columns)
            line += (line.empty() ? "" : "  ") + text_at((*list)[i], column);
        context.console().out(line + "\n");
    }
}

}  // namespace

Expected<> run(const Context& context, const IssuerOptions& options) {
    if (options.verb == "rotate-keys") {
        AC_CHECK(call(context, post("/keys", {})));
        context.console().out("A new key is published and signs in ten minutes.\n");
        return {};
    }
    AC_TRY(const json::value found,
           call(context, {.method = "GET", .target = std::string(kIssuer)}));
    context.console().out(context.common.json ? json::serialize(found) + "\n"
                                              : text_at(found, "discoveryUrl") + "\n");
    return {};
}

Expected<> run(const Context& context, const IssuerClientOptions& options) {
    if (options.verb == "remove") return remove(context, "/clients", options.name);
    if (options.verb == "list") {
        AC_TRY(const json::value found,
               call(context, {.method = "GET", .target = std::string(kIssuer) + "/clients"}));
        print_list(context, found, "clients", {"clientId", "name"});
        return {};
    }
    json::object wanted;
    wanted["name"] = options.name;
    wanted["grants"] = json::value_from(options.grants);
    wanted["redirectUris"] = json::value_from(options.redirect_uris);
    wanted["scopes"] = json::value_from(options.scopes);
    wanted["audiences"] = json::value_from(options.audiences);
    wanted["public"] = options.is_public;
    AC_TRY(const json::value made, call(context, post("/clients", wanted)));
    if (context.common.json) {
        context.console().out(json::serialize(made) + "\n");
        return {};
    }
    context.console().out(fmt::format("client_id      {}\n", text_at(made, "clientId")));
    if (!options.is_public) {
        context.console().out(fmt::format("client_secret  {}\n", text_at(made, "clientSecret")));
        context.console().err("The secret is shown this once.\n");
    }
    return {};
}

Expected<> run(const Context& context, const IssuerUserOptions& options) {
    if (options.verb == "remove") return remove(context, "/users", options.name);
    if (options.verb == "list") {
        AC_TRY(const json::value found,
               call(context, {.method = "GET", .target = std::string(kIssuer) + "/users"}));
        print_list(context, found, "users", {"name", "sub"});
        return {};
    }
    json::object wanted;
    wanted["name"] = options.name;
    wanted["email"] = options.email;
    AC_TRY(std::string password, password_for(context, options));
    wanted["password"] = std::move(password);
    AC_TRY(const json::value made, call(context, post("/users", wanted)));
    context.console().out(context.common.json ? json::serialize(made) + "\n"
                                              : fmt::format("Added {}.\n", options.name));
    return {};
}

}  // namespace ac::cli
