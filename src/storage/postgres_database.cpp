#include "storage/database.h"

namespace ac::storage {

Result<std::unique_ptr<Database>> open_postgres(PostgresOptions) {
    return fail(ErrorCode::not_implemented, "PostgreSQL is not built yet");
}

}  // namespace ac::storage
