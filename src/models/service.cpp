#include "models/service.h"

namespace ac::models {

Task<ChatAnswer> answer(ModelService& service, ChatRequest request, Caller caller) {
    AC_CO_TRY(const auto stream, co_await service.start(std::move(request), std::move(caller)));
    co_return co_await collect(*stream);
}

}  // namespace ac::models
