// Vectors of records: a row a record and model, four bytes a component, least significant first. A
// row goes with its record (a foreign key), and when its text changes.

#include <bit>
#include <cstring>

#include "memory/store.h"

namespace ac::memory::store {

namespace {

static_assert(std::endian::native == std::endian::little);

storage::Blob packed(std::span<const float> vector) {
    storage::Blob out{std::string(vector.size_bytes(), '\0')};
    std::memcpy(out.bytes.data(), vector.data(), vector.size_bytes());
    return out;
}

std::vector<float> unpacked(const std::string& bytes) {
    std::vector<float> out(bytes.size() / sizeof(float));
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
    return out;
}

}  // namespace

Result<std::vector<Record>> records_without_vector(Transaction& tx, std::int64_t memory,
                                                   const std::string& model, std::int64_t from,
                                                   int items_max) {
    AC_TRY(const auto rows,
           tx.query("SELECT number, body, updated_at FROM memory_records r WHERE memory = $1 AND "
                    "status = 'ACTIVE' AND number >= $2 AND NOT EXISTS (SELECT 1 FROM "
                    "memory_vectors v WHERE v.memory = r.memory AND v.number = r.number AND "
                    "v.model = $3) ORDER BY number LIMIT $4",
                    {memory, from, model, std::int64_t{items_max}}));
    std::vector<Record> out;
    for (const auto& row : rows)
        out.push_back({.key = row.integer(0),
                       .text = row.text(1),
                       .updated_at = from_epoch_ms(row.integer(2))});
    return out;
}

Result<bool> save_vector(Transaction& tx, std::int64_t memory, const std::string& model,
                         const Record& record, std::span<const float> vector) {
    AC_TRY(const auto saved,
           tx.execute("INSERT INTO memory_vectors (memory, number, model, vector) SELECT memory, "
                      "number, $3, $4 FROM memory_records WHERE memory = $1 AND number = $2 AND "
                      "updated_at = $5 AND status = 'ACTIVE' ON CONFLICT (memory, number, model) "
                      "DO UPDATE SET vector = excluded.vector",
                      {memory, record.key, model, packed(vector), to_epoch_ms(record.updated_at)}));
    return saved > 0;
}

Result<std::vector<StoredVector>> vectors_between(Transaction& tx, std::int64_t memory,
                                                  const std::string& model, std::int64_t first,
                                                  std::int64_t last) {
    AC_TRY(const auto rows,
           tx.query("SELECT number, vector FROM memory_vectors WHERE memory = $1 AND number >= $2 "
                    "AND number <= $3 AND model = $4 ORDER BY number",
                    {memory, first, last, model}));
    std::vector<StoredVector> out;
    for (const auto& row : rows) out.push_back({row.integer(0), unpacked(row.blob(1))});
    return out;
}

Result<std::vector<StoredVector>> vectors_of(Transaction& tx, std::int64_t memory,
                                             const std::string& model,
                                             std::span<const std::int64_t> keys) {
    std::vector<StoredVector> out;
    for (const auto key : keys) {
        AC_TRY(auto found, vectors_between(tx, memory, model, key, key));
        for (auto& one : found) out.push_back(std::move(one));
    }
    return out;
}

Result<> forget_vectors(Transaction& tx, std::int64_t memory, std::int64_t key) {
    AC_CHECK(
        tx.execute("DELETE FROM memory_vectors WHERE memory = $1 AND number = $2", {memory, key}));
    return {};
}

}  // namespace ac::memory::store
