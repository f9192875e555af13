#pragma once
// The content blocks of Converse, one by one, as blocks of a request to a model.

#include <boost/json/object.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "models/chat.h"

namespace ac::wire {

// `block` has exactly one member (the tables see to it); `path` is where it is, for errors.
Result<models::ContentBlock> content_block_from(const boost::json::object& block,
                                                const std::string& path);
// nullopt: nothing for the model in it.
Result<models::SystemBlock> system_block_from(const boost::json::object& block,
                                              const std::string& path);

}  // namespace ac::wire
