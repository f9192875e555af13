// `agentcore code run`, `agentcore code repl` and `agentcore code fork`.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/net/code_calls.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kFileBytesMax = 100'000'000;  // as the service

// Prints output as it comes; the last result repeats what has been shown.
class Printer final {
  public:
    explicit Printer(Console& console) : console_(console) {}

    void show(const json::object& result) {
        const auto* structured = result.if_contains("structuredContent");
        const json::value none;
        const json::value& told = structured == nullptr ? none : *structured;
        const bool is_last = text_at(told, "taskStatus") != "working";
        show_text(text_at(told, "stdout"), shown_out_, is_last, false);
        show_text(text_at(told, "stderr"), shown_err_, is_last, true);
        if (!is_last) return;
        if (const auto* content = result.if_contains("content"); content && content->is_array())
            for (const auto& block : content->get_array()) show_block(block);
    }

  private:
    void show_text(const std::string& text, std::string& shown, bool is_whole, bool is_error) {
        std::string fresh = text;
        if (is_whole && text.size() >= shown.size()) fresh = text.substr(shown.size());
        if (is_whole && text.size() < shown.size()) fresh.clear();  // its last newline is left out
        if (!is_whole) shown += text;
        if (is_whole && !fresh.empty()) fresh += '\n';
        if (fresh.empty()) return;
        is_error ? console_.err(fresh) : console_.out(fresh);
    }

    void show_block(const json::value& block) {
        const std::string type = text_at(block, "type");
        if (type == "image")
            console_.err(fmt::format("[{} of {} bytes]\n", text_at(block, "mimeType"),
                                     text_at(block, "data").size() / 4 * 3));
    }

    Console& console_;
    std::string shown_out_;
    std::string shown_err_;
};

std::string language_of(const CodeRunOptions& options) {
    if (!options.language.empty()) return options.language;
    const auto ending = std::filesystem::path(options.file).extension();
    if (ending == ".js" || ending == ".mjs") return "javascript";
    return ending == ".ts" ? "typescript" : "python";
}

Expected<std::string> code_of(const Context& context, const CodeRunOptions& options) {
    if (!options.code.empty()) return options.code;
    if (options.file.empty()) return failed(ExitCode::usage, "name a file, or give code with -c");
    if (options.file == "-") {
        auto text = context.console().read_all(kFileBytesMax);
        if (!text) return failed(ExitCode::usage, "the code is over 100 MB");
        return *std::move(text);
    }
    auto text = read_file(options.file, kFileBytesMax);
    if (!text) return failed(ExitCode::not_found, text.error().message);
    return *std::move(text);
}

Expected<> check(const json::object& result) {
    const auto* is_error = result.if_contains("isError");
    if (is_error == nullptr || !is_error->is_bool() || !is_error->get_bool()) return {};
    const auto* content = result.if_contains("content");
    std::string why = "the tool failed";
    if (content && content->is_array() && !content->get_array().empty())
        why = text_at(content->get_array().front(), "text");
    return failed(ExitCode::failed, why);
}

Expected<> upload(CodeSession& session, const std::vector<std::string>& files) {
    if (files.empty()) return {};
    json::array content;
    for (const std::string& file : files) {
        const auto bytes = read_file(file, kFileBytesMax);
        if (!bytes) return failed(ExitCode::not_found, bytes.error().message);
        content.push_back({{"path", std::filesystem::path(file).filename().string()},
                           {"blob", to_base64(*bytes)}});
    }
    json::object arguments;
    arguments["content"] = std::move(content);
    AC_TRY(const json::object result, session.call("writeFiles", std::move(arguments)));
    return check(result);
}

// The blocks of files in `result`; a large file comes in several, one behind the other.
void write_pieces(const json::object& result, std::ostream& out) {
    const auto* content = result.if_contains("content");
    if (content == nullptr || !content->is_array()) return;
    for (const auto& block : content->get_array()) {
        const auto& resource = member_at(block, "resource");
        std::string bytes = text_at(resource, "text");
        if (text_at(resource, "type") == "blob")
            bytes = from_base64(text_at(resource, "blob")).value_or("");
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
}

// Into the working folder, by their names alone: a session does not say where files go here.
Expected<> download(const Context& context, CodeSession& session,
                    const std::vector<std::string>& files) {
    for (const std::string& file : files) {
        const std::string name = std::filesystem::path(file).filename().string();
        json::object arguments;
        arguments["paths"] = json::array{json::string(file)};
        std::ofstream out;
        Expected<> readable;
        const auto take = [&](const json::object& result) {
            if (readable) readable = check(result);
            if (!readable) return;
            if (!out.is_open()) out.open(name, std::ios::binary);
            write_pieces(result, out);
        };
        AC_TRY([[maybe_unused]] const json::object last,
               session.call("readFiles", std::move(arguments), take));
        AC_CHECK(readable);
        out.close();
        if (!out) return failed(ExitCode::failed, "cannot write " + name);
        context.console().err("Wrote " + name + "\n");
    }
    return {};
}

template <class Options>
Expected<CodeSession> session_for(AwsClient& client, const Options& options) {
    if (options.session.empty()) return CodeSession::start(client, options.interpreter);
    return CodeSession(client, options.interpreter, options.session);
}

// Who has started a session ends it.
template <class Options>
void leave(const Context& context, CodeSession& session, const Options& options) {
    if (options.keep) context.console().err("Session " + session.id() + "\n");
    if (options.session.empty() && !options.keep) (void)session.stop();
}

Expected<json::object> execute(const Context& context, CodeSession& session,
                               const std::string& language, const std::string& code) {
    Printer printer(context.console());
    json::object arguments;
    arguments["language"] = language;
    arguments["code"] = code;
    const bool as_json = context.common.json;
    return session.call("executeCode", std::move(arguments), [&](const json::object& result) {
        if (!as_json) printer.show(result);
    });
}

Expected<> run_in(const Context& context, CodeSession& session, const CodeRunOptions& options,
                  const std::string& code) {
    AC_CHECK(upload(session, options.uploads));
    AC_TRY(const json::object result, execute(context, session, language_of(options), code));
    if (context.common.json) context.console().out(json::serialize(result) + "\n");
    AC_CHECK(download(context, session, options.downloads));
    const auto* is_error = result.if_contains("isError");
    if (is_error && is_error->is_bool() && is_error->get_bool()) {
        Failure failure(ExitCode::failed, "the code failed");
        failure.has_document = true;
        return std::unexpected(std::move(failure));
    }
    return {};
}

}  // namespace

Expected<> run(const Context& context, const CodeRunOptions& options) {
    AC_TRY(const std::string code, code_of(context, options));
    AC_TRY(Connection connection, connect(context.world, context.common, options.region));
    AC_TRY(CodeSession session, session_for(*connection.client, options));
    auto done = run_in(context, session, options, code);
    leave(context, session, options);
    return done;
}

// A line that ends with ':' or '\' opens a block, which an empty line closes.
Expected<> run(const Context& context, const CodeReplOptions& options) {
    AC_TRY(Connection connection, connect(context.world, context.common, options.region));
    AC_TRY(CodeSession session, session_for(*connection.client, options));
    Console& console = context.console();
    std::string code;
    Expected<> done;
    while (done) {
        if (console.in_is_terminal()) console.err(code.empty() ? ">>> " : "... ");
        const auto line = console.read_line();
        if (!line && code.empty()) break;
        if (line) code += *line + '\n';
        const bool opens = line && (line->ends_with(':') || line->ends_with('\\'));
        const bool goes_on = line && code.size() > line->size() + 1 && !line->empty();
        if (opens || goes_on) continue;
        if (code.find_first_not_of(" \n") != std::string::npos) {
            const auto result = execute(context, session, options.language, code);
            if (!result) done = std::unexpected(result.error());
        }
        code.clear();
        if (!line) break;
    }
    leave(context, session, options);
    return done;
}

Expected<> run(const Context& context, const CodeForkOptions& options) {
    AC_TRY(Connection connection, connect(context.world, context.common, options.region));
    AC_TRY(const json::value made,
           fork_session(*connection.client, options.interpreter, options.session, options.count));
    if (context.common.json) {
        context.console().out(json::serialize(made) + "\n");
        return {};
    }
    const json::value& sessions = member_at(made, "sessions");
    const json::value& languages = member_at(made, "languages");
    if (!sessions.is_array() || !languages.is_object())
        return failed(ExitCode::failed, "the daemon's answer makes no sense");
    for (const auto& session : sessions.get_array())
        context.console().out(text_at(session, "sessionId") + "\n");
    for (const auto& [language, state] : languages.get_object())
        if (state != "FORKED")
            context.console().err("The state of " + std::string(language) +
                                  " cannot be forked: it starts anew there.\n");
    return {};
}

}  // namespace ac::cli
