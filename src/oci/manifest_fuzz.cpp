// Documents of images, references and challenges that anybody may have written.
#include <cstddef>
#include <cstdint>

#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/registry.h"
#include "oci/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)ac::oci::parse_manifest(text, "amd64");
    (void)ac::oci::parse_config(text);
    (void)ac::oci::parse_saved(text);
    (void)ac::oci::parse_challenge(text);
    if (const auto path = ac::oci::normal_path(text))
        if (path->find("..") == 0 && (path->size() == 2 || (*path)[2] == '/')) __builtin_trap();
    if (const auto reference = ac::oci::parse_reference(text))
        if (!ac::oci::parse_reference(reference->text())) __builtin_trap();
    return 0;
}
