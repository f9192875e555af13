// The texts that strangers write: requirements, wheel metadata, page tokens, agents' output.
#include <cstdlib>
#include <string>
#include <string_view>

#include "crypto/page_token.h"
#include "runtime/requirements.h"
#include "runtime/session_log.h"
#include "runtime/vendored.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace ac;
    using namespace ac::runtime;
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    (void)required_names(text);
    (void)tag_fits(text, Platform{"x86_64", 11});
    (void)elf_machine(text);
    const std::string name = normalized_package_name(text);
    if (normalized_package_name(name) != name) std::abort();

    const auto last = last_of_page_token("list", text);
    if (last && page_token("list", *last) != text) {
        // Base64 has several spellings of one value; what it says must be the same.
        const auto again = last_of_page_token("list", page_token("list", *last));
        if (!again || *again != *last) std::abort();
    }

    (void)decode_log_owner(text);
    const auto record = decode_record(text);
    if (record && text.find('\n') == text.npos) {
        std::string again = encode_record(*record);
        again.pop_back();
        const auto back = decode_record(again);
        if (!back || back->line != record->line || back->time != record->time) std::abort();
    }

    constexpr std::size_t kLineMax = 64;
    LineSplitter splitter(kLineMax);
    for (std::size_t from = 0; from < size; from += 7)
        for (const std::string& line : splitter.feed(text.substr(from, 7)))
            if (line.size() > kLineMax || line.find('\n') != line.npos) std::abort();
    return 0;
}
