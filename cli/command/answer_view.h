#pragma once
// Shows the answer of an agent, deployed or in development: streams as they come, documents whole,
// anything else byte for byte.

#include <boost/json/value.hpp>
#include <string>

#include "cli/command/commands.h"
#include "cli/net/http_link.h"

namespace ac::cli {

inline constexpr std::string_view kSessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";
inline constexpr std::size_t kPayloadBytesMax = 100'000'000;  // the API's own bound
inline constexpr std::size_t kAnswerBytesMax = 100'000'000;   // of an answer that is shown whole

struct AnswerTerms {
    std::string origin_member;  // of the --json document: "agentRuntimeArn"
    std::string origin;
    std::string session;
    std::string log_hint;  // where to look when the agent fails
    bool at_once = true;   // print a stream as it comes
    Milliseconds timeout;  // without output
};

class AnswerView final {
  public:
    // Both outlive it.
    AnswerView(const Context& context, AnswerTerms terms)
        : context_(context), terms_(std::move(terms)) {}

    // Of a 2xx. agent_error: the stream ended with an error of the agent.
    Expected<> show(Reply& reply);

  private:
    Expected<> show_stream(Reply& reply);
    Expected<> show_document(Reply& reply);
    Expected<> pass_on(Reply& reply);
    void print_document(const net::ResponseHead& head, std::string_view member,
                        boost::json::value value);

    const Context& context_;
    const AnswerTerms terms_;
};

// "Name:value,Name:value"; values hold no comma. usage.
Expected<net::Headers> parse_headers(std::string_view text);
// What was given, "-" meaning stdin, as it is sent.
Expected<std::string> payload_given(const Context& context, const std::string& argument);

}  // namespace ac::cli
