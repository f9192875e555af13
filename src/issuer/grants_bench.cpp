// Client-credentials grants: the client found and its secret checked, an ES256 token signed.
#include <benchmark/benchmark.h>

#include "issuer/testing/fixture.h"

namespace ac::issuer {
namespace {

Task<> many(Issuer& issuer, Pool pool, ClientProof proof, benchmark::State& state) {
    for ([[maybe_unused]] auto turn : state) {
        Form form{{"grant_type", "client_credentials"}, {"scope", "read"}};
        auto granting = issuer.grants().grant(pool, proof, std::move(form));
        AC_CO_TRY(auto tokens, co_await std::move(granting));
        benchmark::DoNotOptimize(tokens);
    }
    co_return Result<>{};
}

void client_credentials(benchmark::State& state) {
    testing::IssuerFixture made("bench");
    const auto client = made.machine();
    ClientProof proof{.id = client.client.id, .secret = client.secret};
    AC_ASSERT(made.run(many(made.issuer(), made.pool(), std::move(proof), state)));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(client_credentials)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ac::issuer

BENCHMARK_MAIN();
