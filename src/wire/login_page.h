#pragma once
// The issuer's page for people.

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace ac::wire {

struct LoginForm {
    std::string_view action;
    std::string_view ticket;
    std::string_view client_name;
    std::string_view message;
};

// Never cached, framed or scripted.
net::Response login_page(const LoginForm& form);
// What cannot go on, told to the person.
net::Response error_page(int status, std::string_view message);

}  // namespace ac::wire
