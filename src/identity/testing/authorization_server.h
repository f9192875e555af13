#pragma once
// For tests: an authorization server behind the Outside port, with rotating refresh tokens, PKCE
// and codes that are good once. What it answers can be bent.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <boost/json.hpp>

#include "base/encoding.h"
#include "identity/oauth_request.h"
#include "identity/outside.h"

namespace ac::identity::testing {

class AuthorizationServer final : public Outside {
  public:
    Task<net::Response> fetch(OutsideRequest request) override {
        ++calls;
        last = request;
        if (down) co_return fail(ErrorCode::unavailable, "down");
        if (request.method == "GET") co_return answer(200, discovery);
        auto form = parse(request.body);
        net::Response response = bend ? bend(form) : grant(form);
        if (lose_answer) {
            lose_answer = false;
            co_return fail(ErrorCode::unavailable, "the connection broke");
        }
        co_return response;
    }

    // What a browser does: the user consents and is sent back with a code.
    std::string consent(const std::string& authorization_url, const std::string& user) {
        auto query = parse(authorization_url.substr(authorization_url.find('?') + 1));
        const std::string code = "code-" + std::to_string(++serial_);
        codes_[code] = {
            .user = user, .challenge = query["code_challenge"], .redirect = query["redirect_uri"]};
        return code;
    }

    static std::map<std::string, std::string> parse(const std::string& text) {
        std::map<std::string, std::string> out;
        std::string_view rest = text;
        while (!rest.empty()) {
            const auto end = std::min(rest.find('&'), rest.size());
            const auto pair = rest.substr(0, end);
            const auto equals = pair.find('=');
            out[*percent_decode(pair.substr(0, equals))] = *percent_decode(pair.substr(equals + 1));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return out;
    }

    static net::Response answer(int status, const boost::json::value& body) {
        net::Response response{.status = status, .body = boost::json::serialize(body)};
        response.headers.add("Content-Type", "application/json");
        return response;
    }

    net::Response grant(std::map<std::string, std::string> form) {
        const std::string type = form["grant_type"];
        if (type == "client_credentials") return tokens("m2m", "");
        if (type == "authorization_code") {
            const auto code = codes_.find(form["code"]);
            if (code == codes_.end() || code->second.redirect != form["redirect_uri"] ||
                code->second.challenge != code_challenge(form["code_verifier"]))
                return refuse("invalid_grant");
            const std::string user = code->second.user;
            codes_.erase(code);
            return tokens(user, fresh_refresh(user, {}));
        }
        if (type == "refresh_token") return refresh(form["refresh_token"]);
        if (type.ends_with("token-exchange") || type.ends_with("jwt-bearer"))
            return tokens("exchanged", "");
        return refuse("unsupported_grant_type");
    }

    static net::Response refuse(std::string_view code) {
        return answer(400, boost::json::object{{"error", code}});
    }

    int calls = 0;
    int refreshes = 0;
    bool down = false;
    bool lose_answer = false;  // of the next call: done, but nobody hears
    std::int64_t life_s = 3600;
    boost::json::object discovery;
    OutsideRequest last;
    std::function<net::Response(std::map<std::string, std::string>)> bend;

  private:
    struct Code {
        std::string user;
        std::string challenge;
        std::string redirect;
    };
    struct Refresh {
        std::string user;
        std::string parent;  // good until this one is used
    };

    std::string fresh_refresh(const std::string& user, const std::string& parent) {
        const std::string token = "refresh-" + user + "-" + std::to_string(++serial_);
        refresh_[token] = {.user = user, .parent = parent};
        return token;
    }

    net::Response refresh(const std::string& token) {
        const auto found = refresh_.find(token);
        if (found == refresh_.end()) return refuse("invalid_grant");
        ++refreshes;
        const std::string user = found->second.user;
        refresh_.erase(found->second.parent);
        return tokens(user, fresh_refresh(user, token));
    }

    net::Response tokens(const std::string& user, const std::string& refresh) {
        boost::json::object out{
            {"access_token", "access-" + user + "-" + std::to_string(++serial_)},
            {"token_type", "Bearer"},
            {"expires_in", life_s}};
        if (!refresh.empty()) out["refresh_token"] = refresh;
        return answer(200, out);
    }

    int serial_ = 0;
    std::map<std::string, Code> codes_;
    std::map<std::string, Refresh> refresh_;
};

}  // namespace ac::identity::testing
