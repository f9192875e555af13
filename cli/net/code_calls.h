#pragma once
// A session of a code interpreter, as `agentcore code` uses it.

#include <boost/json/object.hpp>
#include <functional>
#include <string>

#include "cli/net/aws_client.h"

namespace ac::cli {

class CodeSession final {
  public:
    // `client` outlives the session.
    static Expected<CodeSession> start(AwsClient& client, std::string interpreter);
    // One that is live already.
    CodeSession(AwsClient& client, std::string interpreter, std::string id)
        : client_(&client), interpreter_(std::move(interpreter)), id_(std::move(id)) {}
    const std::string& id() const { return id_; }

    // `on_event` sees each result of the stream, the last one too.
    using OnResult = std::function<void(const boost::json::object& result)>;
    Expected<boost::json::object> call(const std::string& tool, boost::json::object arguments,
                                       const OnResult& on_result = {});
    Expected<> stop();

  private:
    AwsClient* client_;
    std::string interpreter_;
    std::string id_;
};

// New sessions that go on from a live one.
Expected<boost::json::value> fork_session(AwsClient& client, const std::string& interpreter,
                                          const std::string& session, int count);

}  // namespace ac::cli
