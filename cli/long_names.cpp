#include "cli/long_names.h"

#include <map>
#include <string_view>

namespace ac::cli {
namespace {

// The official toolkit has one-dash options of several letters; a POSIX parser would read -rf as
// -r f. Values are never rewritten because no value of ours looks like these.
const std::map<std::string, std::string, std::less<>>& long_names() {
    static const std::map<std::string, std::string, std::less<>> names = {
        {"-er", "--execution-role"},
        {"-cber", "--code-build-execution-role"},
        {"-ecr", "--ecr"},
        {"-s3", "--s3"},
        {"-ctr", "--container-runtime"},
        {"-rf", "--requirements-file"},
        {"-do", "--disable-otel"},
        {"-dm", "--disable-memory"},
        {"-ac", "--authorizer-config"},
        {"-rha", "--request-header-allowlist"},
        {"-ni", "--non-interactive"},
        {"-dt", "--deployment-type"},
        {"-rt", "--runtime"},
        {"-lb", "--local-build"},
        {"-auc", "--auto-update-on-conflict"},
        {"-frd", "--force-rebuild-deps"},
        {"-env", "--env"},
        {"-bt", "--bearer-token"},
    };
    return names;
}

}  // namespace

void expand_long_names(std::vector<std::string>& arguments) {
    for (auto& argument : arguments) {
        if (argument == "--") return;
        const auto equals = argument.find('=');
        const auto found = long_names().find(std::string_view(argument).substr(0, equals));
        if (found == long_names().end()) continue;
        argument =
            found->second + (equals == std::string::npos ? std::string() : argument.substr(equals));
    }
}

}  // namespace ac::cli
