// The request documents of S3: any bytes are a document or an error.
#include "wire/s3_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    (void)ac::wire::parse_location_constraint(input);
    (void)ac::wire::parse_delete(input);
    (void)ac::wire::parse_complete_upload(input);
    (void)ac::wire::check_document(input, "Tagging");
    return 0;
}
