#pragma once
// Outputs as restJson1 responses, written straight to text.

#include <boost/json/object.hpp>
#include <string>

#include "net/http_message.h"
#include "wire/operation.h"
#include "wire/relaxations.h"

namespace ac::wire {

net::Response write_output(const OperationSpec& operation, const boost::json::object& output,
                           const Relaxations& relaxations);
std::string write_structure(const Shape& shape, const boost::json::object& value,
                            const Relaxations& relaxations);

}  // namespace ac::wire
