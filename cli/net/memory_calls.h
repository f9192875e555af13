#pragma once
// The operations of Memory that commands use. Documents are as the API answers them.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>

#include "cli/net/aws_client.h"

namespace ac::cli {

Expected<boost::json::value> create_memory(AwsClient& client, const boost::json::object& input);
// not_found.
Expected<boost::json::value> get_memory(AwsClient& client, const std::string& id);
Expected<boost::json::array> list_memories(AwsClient& client);
Expected<> delete_memory(AwsClient& client, const std::string& id);
// The document of the memory with this id or, when there is none, of the one with this name.
Expected<boost::json::value> find_memory(AwsClient& client, const std::string& id_or_name);

struct SessionAddress {
    std::string memory;
    std::string actor;
    std::string session;
};

// Listings go to `each`, page after page, until it answers an error or `items_max` were seen.
using EachItem = std::function<Expected<>(const boost::json::object& item)>;
inline constexpr std::size_t kAllItems = SIZE_MAX;

Expected<> each_actor(AwsClient& client, const std::string& memory, const EachItem& each);
Expected<> each_session(AwsClient& client, const std::string& memory, const std::string& actor,
                        const EachItem& each);
// Newest first.
Expected<> each_event(AwsClient& client, const SessionAddress& address,
                      const boost::json::object& filter, std::size_t items_max,
                      const EachItem& each);
// `input` selects: namespace or namespacePath, memoryStrategyId. Newest first.
Expected<> each_record(AwsClient& client, const std::string& memory, boost::json::object input,
                       std::size_t items_max, const EachItem& each);
Expected<> each_failed_job(AwsClient& client, const std::string& memory, const EachItem& each);

Expected<boost::json::value> search_records(AwsClient& client, const std::string& memory,
                                            const boost::json::object& input);
Expected<boost::json::value> create_event(AwsClient& client, const std::string& memory,
                                          const boost::json::object& input);
Expected<boost::json::value> create_records(AwsClient& client, const std::string& memory,
                                            const boost::json::object& input);
// {"events", "recordsRemoved"}.
Expected<boost::json::value> rebuild_memory(AwsClient& client, const std::string& memory);
Expected<> start_extraction_job(AwsClient& client, const std::string& memory,
                                const std::string& job);

}  // namespace ac::cli
