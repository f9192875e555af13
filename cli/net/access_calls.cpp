#include "cli/net/access_calls.h"

#include <fmt/format.h>

#include <pugixml.hpp>

#include "base/encoding.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr int kPagesMax = 1000;
constexpr Milliseconds kReadTimeout{60'000};
constexpr int kDepthMax = 32;

json::value to_json(const pugi::xml_node& node, int depth) {
    const auto first = node.first_child();
    if (!first || first.type() == pugi::node_pcdata || depth == 0) return node.text().as_string();
    if (std::string_view(first.name()) == "member") {
        json::array list;
        for (const auto& child : node.children("member")) list.push_back(to_json(child, depth - 1));
        return list;
    }
    json::object object;
    for (const auto& child : node.children()) object[child.name()] = to_json(child, depth - 1);
    return object;
}

}  // namespace

Expected<json::value> iam(AwsClient& client, const std::string& action, const QueryFields& fields) {
    Call call{.service = "iam", .method = "POST", .target = "/"};
    call.headers.add("Content-Type", "application/x-www-form-urlencoded");
    call.body.text = "Action=" + action + "&Version=2010-05-08";
    for (const auto& [name, value] : fields)
        call.body.text += "&" + percent_encode(name) + "=" + percent_encode(value);
    AC_TRY(const auto reply, client.open(std::move(call)));
    AC_TRY(const std::string text, read_all(*reply, kDocumentBytesMax, kReadTimeout));
    pugi::xml_document document;
    if (!document.load_buffer(text.data(), text.size()))
        return failed(ExitCode::failed, "the daemon's answer is no XML");
    const auto result =
        document.child((action + "Response").c_str()).child((action + "Result").c_str());
    return to_json(result, kDepthMax);
}

Expected<json::array> iam_list(AwsClient& client, const std::string& action,
                               const std::string& member, QueryFields fields) {
    json::array all;
    for (int page = 0; page < kPagesMax; ++page) {
        AC_TRY(const json::value result, iam(client, action, fields));
        if (const json::array* items = member_at(result, member).if_array())
            all.insert(all.end(), items->begin(), items->end());
        const std::string marker = text_at(result, "Marker");
        if (marker.empty()) break;
        std::erase_if(fields, [](const auto& field) { return field.first == "Marker"; });
        fields.emplace_back("Marker", marker);
    }
    return all;
}

Expected<std::string> own_account(AwsClient& client) {
    AC_TRY(const auto account, caller_account(client));
    return account.value_or("000000000000");
}

}  // namespace ac::cli
