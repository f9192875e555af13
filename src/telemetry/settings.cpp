#include "telemetry/settings.h"

#include <array>
#include <map>

namespace ac::telemetry {
namespace {

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "telemetry", .version = 1, .sql = R"(
CREATE TABLE telemetry_documents (
    account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    document TEXT NOT NULL, PRIMARY KEY (account, region, kind, name)))"}}};

// As they are stored.
std::string text_of(Kind kind) {
    switch (kind) {
        case Kind::log_group:
            return "log_group";
        case Kind::resource_policy:
            return "resource_policy";
        case Kind::delivery_source:
            return "delivery_source";
        case Kind::delivery_destination:
            return "delivery_destination";
        case Kind::delivery:
            return "delivery";
        case Kind::trace_destination:
            return "trace_destination";
        case Kind::indexing_rule:
            return "indexing_rule";
    }
    AC_ASSERT(false);
    return {};
}

}  // namespace

std::span<const storage::Migration> Settings::migrations() {
    return kMigrations;
}

Result<std::optional<std::string>> Documents::find(Kind kind, const std::string& name) {
    AC_TRY(const auto rows,
           transaction_.query("SELECT document FROM telemetry_documents WHERE account = $1 AND "
                              "region = $2 AND kind = $3 AND name = $4",
                              {scope_.account, scope_.region, text_of(kind), name}));
    if (rows.empty()) return std::optional<std::string>();
    return rows[0].text(0);
}

Result<std::vector<std::string>> Documents::list(Kind kind) {
    AC_TRY(const auto rows,
           transaction_.query("SELECT name, document FROM telemetry_documents WHERE account = $1 "
                              "AND region = $2 AND kind = $3",
                              {scope_.account, scope_.region, text_of(kind)}));
    std::map<std::string, std::string> by_name;
    for (const storage::Row& row : rows) by_name.emplace(row.text(0), row.text(1));
    std::vector<std::string> documents;
    for (auto& [name, document] : by_name) documents.push_back(std::move(document));
    return documents;
}

Result<> Documents::put(Kind kind, const std::string& name, const std::string& document) {
    if (document.size() > kDocumentBytesMax)
        return fail(ErrorCode::too_large, "the document is too large");
    AC_TRY(const auto rows,
           transaction_.query("SELECT COUNT(*) FROM telemetry_documents WHERE account = $1 AND "
                              "region = $2 AND kind = $3 AND name <> $4",
                              {scope_.account, scope_.region, text_of(kind), name}));
    if (rows.at(0).integer(0) >= kDocumentsMax)
        return fail(ErrorCode::quota_exceeded, "there are too many of these in the region");
    AC_CHECK(transaction_.execute(
        "INSERT INTO telemetry_documents (account, region, kind, name, document) VALUES ($1, $2, "
        "$3, $4, $5) ON CONFLICT (account, region, kind, name) DO UPDATE SET document = "
        "excluded.document",
        {scope_.account, scope_.region, text_of(kind), name, document}));
    return {};
}

Result<bool> Documents::remove(Kind kind, const std::string& name) {
    AC_TRY(const std::int64_t removed,
           transaction_.execute("DELETE FROM telemetry_documents WHERE account = $1 AND region = "
                                "$2 AND kind = $3 AND name = $4",
                                {scope_.account, scope_.region, text_of(kind), name}));
    return removed > 0;
}

}  // namespace ac::telemetry
