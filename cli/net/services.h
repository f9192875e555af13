#pragma once
// The operations that commands use, one function each. Documents are as the API answers them.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/net/aws_client.h"

namespace ac::cli {

// --- sts
// The account of the credentials in use; nullopt when the daemon has no STS.
Expected<std::optional<std::string>> caller_account(AwsClient& client);

// --- s3 (path style)
Expected<> ensure_bucket(AwsClient& client, const std::string& bucket);
Expected<bool> object_exists(AwsClient& client, const std::string& bucket, const std::string& key);
Expected<> put_object(AwsClient& client, const std::string& bucket, const std::string& key,
                      const Upload& file, const std::string& sha256);
// Absent is fine.
Expected<> delete_object(AwsClient& client, const std::string& bucket, const std::string& key);

// --- bedrock-agentcore, control plane
Expected<boost::json::value> create_runtime(AwsClient& client, const boost::json::object& input);
Expected<boost::json::value> update_runtime(AwsClient& client, const std::string& id,
                                            const boost::json::object& input);
// Empty `version`: the newest.
Expected<boost::json::value> get_runtime(AwsClient& client, const std::string& id,
                                         const std::string& version = {});
Expected<boost::json::value> get_endpoint(AwsClient& client, const std::string& id,
                                          const std::string& endpoint);
Expected<> delete_runtime(AwsClient& client, const std::string& id);
// All pages. Members are the API's summaries.
Expected<boost::json::array> list_runtimes(AwsClient& client);
Expected<boost::json::array> list_versions(AwsClient& client, const std::string& id);
Expected<boost::json::array> list_endpoints(AwsClient& client, const std::string& id);
Expected<> delete_endpoint(AwsClient& client, const std::string& id, const std::string& endpoint);

// --- bedrock-agentcore, data plane
struct Invocation {
    std::string runtime_arn;
    std::string qualifier;
    std::string session_id;
    std::string user_id;
    std::string bearer_token;
    net::Headers headers;
    std::string payload;
    Milliseconds timeout;
};
// Whatever the status is: the caller shows an agent's error as it came.
Expected<std::unique_ptr<Reply>> invoke_runtime(AwsClient& client, const Invocation& invocation);
// An event stream. 2xx, or the service's error as a Failure.
Expected<std::unique_ptr<Reply>> run_command(AwsClient& client, const Invocation& command);
Expected<> stop_session(AwsClient& client, const std::string& runtime_arn,
                        const std::string& session_id);

// --- the daemon's own, below /x/
struct LogQuery {
    std::string session_id;
    std::optional<int> tail;
    bool follow = false;
};
// NDJSON: {time, session, stream, line}.
Expected<std::unique_ptr<Reply>> open_logs(AwsClient& client, const std::string& runtime_id,
                                           const LogQuery& query);
// Empty while there is none.
Expected<std::string> build_log(AwsClient& client, const std::string& runtime_id,
                                const std::string& version);
Expected<boost::json::value> list_sessions(AwsClient& client, const std::string& runtime_id);

}  // namespace ac::cli
