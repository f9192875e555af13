// A model may answer anything.
#include <boost/json.hpp>

#include "memory/model_answers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace ac::memory;
    static const auto schema =
        json::parse(
            R"({"metadataSchema":[{"key":"a","type":"NUMBER"},{"key":"b","type":"STRINGLIST"},
            {"key":"c","type":"STRING"}]})")
            .as_object();
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    (void)parse_statements(text, schema);
    (void)parse_decisions(text, 3, 3);
    (void)parse_summary(text);
    (void)parse_episode(text);
    (void)parse_reflections(text, 3);
    return 0;
}
