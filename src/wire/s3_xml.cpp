#include "wire/s3_xml.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/time_text.h"
#include "wire/s3_error.h"
#include "wire/s3_limits.h"

namespace ac::wire {
namespace {

constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::unexpected<Error> malformed() {
    return s3_fail(ErrorCode::invalid_argument, "MalformedXML",
                   "The XML you provided was not well-formed or did not validate against our "
                   "published schema");
}

// "x:Delete" counts as "Delete": pugixml knows no namespaces.
std::string_view local_name(const pugi::xml_node& node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Result<pugi::xml_node> parse(pugi::xml_document& document, std::string_view xml,
                             std::string_view outermost) {
    const auto parsed = document.load_buffer(
        xml.data(), xml.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
    if (!parsed || !is_valid_utf8(xml)) return malformed();
    pugi::xml_node root;
    for (const pugi::xml_node& node : document) {
        if (node.type() == pugi::node_doctype) return malformed();
        if (node.type() == pugi::node_element) root = node;
    }
    if (!root || local_name(root) != outermost) return malformed();
    return root;
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                // XML 1.0 has no way to write most of these; S3 writes them as references too.
                if (static_cast<unsigned char>(c) < 0x20)
                    out += fmt::format("&#x{:x};", static_cast<unsigned>(c));
                else
                    out.push_back(c);
        }
    }
}

}  // namespace

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

void XmlWriter::open(std::string_view element) {
    out_ += '<';
    out_ += element;
    if (depth_++ == 0 && element != "Error") out_ += fmt::format(" xmlns=\"{}\"", kNamespace);
    out_ += '>';
}

void XmlWriter::close(std::string_view element) {
    --depth_;
    out_ += fmt::format("</{}>", element);
}

void XmlWriter::text(std::string_view element, std::string_view content) {
    out_ += fmt::format("<{}>", element);
    append_escaped(out_, content);
    out_ += fmt::format("</{}>", element);
}

void XmlWriter::number(std::string_view element, std::uint64_t value) {
    out_ += fmt::format("<{0}>{1}</{0}>", element, value);
}

void XmlWriter::time(std::string_view element, WallTime value) {
    text(element, to_rfc3339(value));
}

void XmlWriter::boolean(std::string_view element, bool value) {
    text(element, value ? "true" : "false");
}

void XmlWriter::raw(std::string_view content) {
    append_escaped(out_, content);
}

Result<std::string> parse_location_constraint(std::string_view xml) {
    if (trim(xml).empty()) return std::string();
    pugi::xml_document document;
    AC_TRY(const pugi::xml_node root, parse(document, xml, "CreateBucketConfiguration"));
    for (const pugi::xml_node& node : root)
        if (local_name(node) == "LocationConstraint") return std::string(node.text().get());
    return std::string();
}

Result<DeleteRequest> parse_delete(std::string_view xml) {
    pugi::xml_document document;
    AC_TRY(const pugi::xml_node root, parse(document, xml, "Delete"));
    DeleteRequest request;
    for (const pugi::xml_node& node : root) {
        if (local_name(node) == "Quiet") request.quiet = node.text().as_bool();
        if (local_name(node) != "Object") continue;
        std::string key;
        for (const pugi::xml_node& member : node) {
            if (local_name(member) == "Key") key = member.text().get();
            const std::string_view version = member.text().get();
            if (local_name(member) == "VersionId" && version != "null") request.has_versions = true;
        }
        if (key.empty() || request.keys.size() == kDeleteKeysMax) return malformed();
        request.keys.push_back(std::move(key));
    }
    if (request.keys.empty()) return malformed();
    return request;
}

Result<std::vector<objects::PartChoice>> parse_complete_upload(std::string_view xml) {
    pugi::xml_document document;
    AC_TRY(const pugi::xml_node root, parse(document, xml, "CompleteMultipartUpload"));
    std::vector<objects::PartChoice> parts;
    for (const pugi::xml_node& node : root) {
        if (local_name(node) != "Part") continue;
        objects::PartChoice part;
        for (const pugi::xml_node& member : node) {
            const std::string_view text = member.text().get();
            if (local_name(member) == "PartNumber")
                std::from_chars(text.data(), text.data() + text.size(), part.number);
            if (local_name(member) == "ETag") part.etag = text;
        }
        std::erase(part.etag, '"');
        if (part.number <= 0 || part.etag.empty()) return malformed();
        parts.push_back(std::move(part));
    }
    if (parts.empty()) return malformed();
    return parts;
}

Result<> check_document(std::string_view xml, std::string_view element) {
    pugi::xml_document document;
    AC_CHECK(parse(document, xml, element));
    return {};
}

}  // namespace ac::wire
