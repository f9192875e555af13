// Any document, asked about any call: it parses or is refused by name, and evaluation ends; a
// document that only allows never denies.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "access/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::access;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // What follows a NUL is the call: action, resource, a key's value.
    const auto end = text.find('\0');
    const std::string_view document = text.substr(0, end);
    std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + 1);
    const auto take = [&] {
        const std::string_view part = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        return part;
    };
    const std::string_view action = take();
    const std::string_view resource = take();
    RequestContext context;
    context.add("aws:username", std::string(take()));
    context.add("aws:SourceIp", "10.1.2.3");
    context.add_all("aws:TagKeys", {"a", "b"});
    const Actor actor{.account = "111122223333", .arn = "arn:aws:iam::111122223333:user/alice"};
    for (const PolicyKind kind : {PolicyKind::identity, PolicyKind::resource, PolicyKind::trust}) {
        const auto policy = parse_policy(document, kind);
        if (!policy) {
            AC_ASSERT(policy.error().reason == "MalformedPolicyDocument");
            continue;
        }
        const Finding found = evaluate(
            **policy, {.action = action, .resource = resource, .actor = actor, .context = context});
        if (!found.effect) continue;
        AC_ASSERT(found.statement < (*policy)->statements.size());
        AC_ASSERT((*policy)->statements[found.statement].effect == *found.effect);
        AC_ASSERT(found.named_as != NamedAs::nobody);
    }
    return 0;
}
