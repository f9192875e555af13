// Any form: it parses or is refused, and what is answered about it is XML of one element.
#include <cstdint>
#include <pugixml.hpp>
#include <string_view>

#include "wire/query_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::wire;
    const auto form = Form::parse({reinterpret_cast<const char*>(data), size});
    json::object result;
    if (form) {
        result["Action"] = form->get("Action");
        json::array list;
        for (const auto& [key, value] : form->tags()) list.emplace_back(key + value);
        result["Tags"] = std::move(list);
        (void)form->number("MaxItems", 1);
    }
    const auto response =
        form ? query_response(kIam, "Test", result, "r") : query_error(kIam, form.error(), "r");
    pugi::xml_document document;
    AC_ASSERT(document.load_buffer(response.body.data(), response.body.size()));
    return 0;
}
