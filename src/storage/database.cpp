#include "storage/database.h"

namespace ac::storage {

bool Row::is_null(std::size_t column) const {
    return std::holds_alternative<std::monostate>(values_.at(column));
}

std::int64_t Row::integer(std::size_t column) const {
    return std::get<std::int64_t>(values_.at(column));
}

double Row::real(std::size_t column) const {
    return std::get<double>(values_.at(column));
}

const std::string& Row::text(std::size_t column) const {
    return std::get<std::string>(values_.at(column));
}

const std::string& Row::blob(std::size_t column) const {
    return std::get<Blob>(values_.at(column)).bytes;
}

}  // namespace ac::storage
