// A request line, a query and a JSON body against the operation that the first two bytes choose:
// whatever comes, decoding ends, and what it takes can be written again as a structure.
#include <cstdint>
#include <string_view>

#include "wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac;
    using namespace ac::wire;
    if (size < 2) return 0;
    static const Codec codec;
    static SeededRandom random(1);
    const auto all = operations();
    const OperationSpec& operation = all[(data[0] * 256U + data[1]) % all.size()];
    if (operation.input == nullptr) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::string_view query = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), query.size() + 1));
    net::RequestHead head;
    head.target = "/?" + std::string(query);
    std::vector<PathLabel> labels;
    for (const Member& member : operation.input->members) {
        if (member.location == Location::uri)
            labels.push_back({std::string(member.location_name), std::string(query)});
        if (member.location == Location::header)
            head.headers.add(std::string(member.location_name), std::string(query));
    }
    const std::string body(text);
    const auto input = codec.decode(operation, labels, head, &body, random);
    if (input) {
        codec.encode_structure(*operation.input, *input);
    } else {
        AC_ASSERT(input.error().code == ErrorCode::invalid_argument);
        AC_ASSERT(!input.error().message.empty());
    }
    return 0;
}
