#include "crypto/hash.h"
#include "wire/telemetry_call.h"

namespace ac::wire::telemetry_front {
namespace {

constexpr std::string_view kInvalid = "ValidationException";
constexpr std::size_t kNameBytesMax = 60;
constexpr std::size_t kArnBytesMax = 2048;
constexpr std::size_t kIdChars = 16;
constexpr std::string_view kTraces = "TRACES";
constexpr std::string_view kXrayType = "XRAY";

std::unexpected<Error> invalid(std::string message) {
    return refuse(ErrorCode::invalid_argument, kInvalid, std::move(message));
}

std::unexpected<Error> not_found(std::string_view what, const std::string& name) {
    return fail(ErrorCode::not_found, std::string(what) + " " + name + " does not exist");
}

Result<std::string> resource_name(const Turn& turn, std::string_view member = "name") {
    return name_in(turn.input, member, "_-", kNameBytesMax, kInvalid);
}

void copy_member(const json::object& from, std::string_view name, json::object& to) {
    if (const json::value* value = from.if_contains(name); value && !value->is_null())
        to[name] = *value;
}

// "arn:aws:SERVICE:..." -> SERVICE; empty: it is no ARN.
std::string service_of(std::string_view arn) {
    constexpr std::string_view kPrefix = "arn:aws:";
    if (!arn.starts_with(kPrefix) || arn.size() > kArnBytesMax) return {};
    arn.remove_prefix(kPrefix.size());
    return std::string(arn.substr(0, arn.find(':')));
}

Result<json::object> found(Documents& documents, Kind kind, std::string_view what,
                           const std::string& name) {
    AC_TRY(const auto text, documents.find(kind, name));
    if (!text) return not_found(what, name);
    return document_of(*text);
}

// Whether a delivery comes from or goes to it.
Result<> check_unused(Documents& documents, std::string_view member, const std::string& value) {
    AC_TRY(const auto deliveries, all_of(documents, Kind::delivery));
    for (const json::object& delivery : deliveries)
        if (text_in(delivery, member) == value)
            return refuse(ErrorCode::conflict, "ConflictException",
                          "Delivery " + text_in(delivery, "id") + " uses it; delete that first");
    return {};
}

Result<json::object> put_source(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    AC_TRY(const std::string type, name_in(turn.input, "logType", "_", 255, kInvalid));
    const std::string resource = text_in(turn.input, "resourceArn");
    const std::string service = service_of(resource);
    if (service.empty()) return invalid("resourceArn is not an ARN");
    json::object source = {{"name", name},
                           {"arn", turn.logs_arn("delivery-source:" + name)},
                           {"resourceArns", json::array{resource}},
                           {"service", service},
                           {"logType", type}};
    copy_member(turn.input, "tags", source);
    AC_CHECK(put(documents, Kind::delivery_source, name, source));
    return json::object{{"deliverySource", std::move(source)}};
}

Result<json::object> get_source(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    AC_TRY(auto source, found(documents, Kind::delivery_source, "Delivery source", name));
    return json::object{{"deliverySource", std::move(source)}};
}

Result<json::object> describe_sources(Documents& documents, const Turn& turn) {
    AC_TRY(auto sources, all_of(documents, Kind::delivery_source));
    return page(std::move(sources), "deliverySources", "name", turn.input);
}

Result<json::object> delete_source(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    AC_CHECK(check_unused(documents, "deliverySourceName", name));
    AC_TRY(const bool removed, documents.remove(Kind::delivery_source, name));
    if (!removed) return not_found("Delivery source", name);
    return json::object();
}

// From the ARN that it leads to, where the caller does not say.
Result<std::string> destination_type(const Turn& turn, const std::string& resource) {
    const std::string type = text_in(turn.input, "deliveryDestinationType");
    const std::string service = service_of(resource);
    const std::string implied = service == "logs"       ? "CWL"
                                : service == "s3"       ? "S3"
                                : service == "firehose" ? "FH"
                                                        : "";
    if (type == kXrayType && resource.empty()) return type;
    if (implied.empty() || (!type.empty() && type != implied))
        return invalid("deliveryDestinationConfiguration does not name a destination of its type");
    return implied;
}

Result<json::object> put_destination(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    std::string resource;
    if (const json::value* given = turn.input.if_contains("deliveryDestinationConfiguration"))
        if (const json::object* configuration = given->if_object())
            resource = text_in(*configuration, "destinationResourceArn");
    AC_TRY(const std::string type, destination_type(turn, resource));
    json::object destination = {{"name", name},
                                {"arn", turn.logs_arn("delivery-destination:" + name)},
                                {"deliveryDestinationType", type}};
    for (const std::string_view member :
         {"deliveryDestinationConfiguration", "outputFormat", "roleArn", "tags"})
        copy_member(turn.input, member, destination);
    AC_CHECK(put(documents, Kind::delivery_destination, name, destination));
    return json::object{{"deliveryDestination", std::move(destination)}};
}

Result<json::object> get_destination(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    AC_TRY(auto destination,
           found(documents, Kind::delivery_destination, "Delivery destination", name));
    return json::object{{"deliveryDestination", std::move(destination)}};
}

Result<json::object> describe_destinations(Documents& documents, const Turn& turn) {
    AC_TRY(auto destinations, all_of(documents, Kind::delivery_destination));
    return page(std::move(destinations), "deliveryDestinations", "name", turn.input);
}

Result<json::object> delete_destination(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string name, resource_name(turn));
    AC_CHECK(check_unused(documents, "deliveryDestinationArn",
                          turn.logs_arn("delivery-destination:" + name)));
    AC_TRY(const bool removed, documents.remove(Kind::delivery_destination, name));
    if (!removed) return not_found("Delivery destination", name);
    return json::object();
}

Result<json::object> create_delivery(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string source_name, resource_name(turn, "deliverySourceName"));
    AC_TRY(const auto source,
           found(documents, Kind::delivery_source, "Delivery source", source_name));
    const std::string arn = text_in(turn.input, "deliveryDestinationArn");
    const std::string prefix = turn.logs_arn("delivery-destination:");
    if (!arn.starts_with(prefix)) return invalid("deliveryDestinationArn is not one of ours");
    AC_TRY(const auto destination, found(documents, Kind::delivery_destination,
                                         "Delivery destination", arn.substr(prefix.size())));
    const std::string type = text_in(destination, "deliveryDestinationType");
    if ((text_in(source, "logType") == kTraces) != (type == kXrayType))
        return invalid("TRACES are delivered to XRAY, and nothing else is");
    // The same pair always has the same id, so that a second delivery of it is found.
    const std::string id = sha256_hex(turn.logs_arn(source_name) + "\n" + arn).substr(0, kIdChars);
    AC_TRY(const auto existing, documents.find(Kind::delivery, id));
    if (existing)
        return refuse(ErrorCode::conflict, "ConflictException",
                      "Delivery " + id + " connects them already");
    json::object delivery = {{"id", id},
                             {"arn", turn.logs_arn("delivery:" + id)},
                             {"deliverySourceName", source_name},
                             {"deliveryDestinationArn", arn},
                             {"deliveryDestinationType", type}};
    for (const std::string_view member :
         {"recordFields", "fieldDelimiter", "s3DeliveryConfiguration", "tags"})
        copy_member(turn.input, member, delivery);
    AC_CHECK(put(documents, Kind::delivery, id, delivery));
    return json::object{{"delivery", std::move(delivery)}};
}

Result<json::object> get_delivery(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string id, name_in(turn.input, "id", "", 64, kInvalid));
    AC_TRY(auto delivery, found(documents, Kind::delivery, "Delivery", id));
    return json::object{{"delivery", std::move(delivery)}};
}

Result<json::object> describe_deliveries(Documents& documents, const Turn& turn) {
    AC_TRY(auto deliveries, all_of(documents, Kind::delivery));
    return page(std::move(deliveries), "deliveries", "id", turn.input);
}

Result<json::object> delete_delivery(Documents& documents, const Turn& turn) {
    AC_TRY(const std::string id, name_in(turn.input, "id", "", 64, kInvalid));
    AC_TRY(const bool removed, documents.remove(Kind::delivery, id));
    if (!removed) return not_found("Delivery", id);
    return json::object();
}

constexpr Operation kOperations[] = {
    {"PutDeliverySource", "name", "delivery-source", put_source},
    {"GetDeliverySource", "name", "delivery-source", get_source},
    {"DescribeDeliverySources", "", "", describe_sources},
    {"DeleteDeliverySource", "name", "delivery-source", delete_source},
    {"PutDeliveryDestination", "name", "delivery-destination", put_destination},
    {"GetDeliveryDestination", "name", "delivery-destination", get_destination},
    {"DescribeDeliveryDestinations", "", "", describe_destinations},
    {"DeleteDeliveryDestination", "name", "delivery-destination", delete_destination},
    {"CreateDelivery", "deliverySourceName", "delivery-source", create_delivery},
    {"GetDelivery", "id", "delivery", get_delivery},
    {"DescribeDeliveries", "", "", describe_deliveries},
    {"DeleteDelivery", "id", "delivery", delete_delivery},
};

}  // namespace

std::span<const Operation> delivery_operations() {
    return kOperations;
}

}  // namespace ac::wire::telemetry_front
