#include <benchmark/benchmark.h>

#include "base/time_text.h"
#include "sigv4/signer.h"
#include "sigv4/verifier.h"

namespace ac::sigv4 {
namespace {

// A signed invoke with a 1 KB body: hash the body, parse, verify with a warm key cache.
void verify_1kb(benchmark::State& state) {
    const Credentials credentials{.access_key_id = "AKIDEXAMPLE", .secret = std::string(40, 's')};
    const WallTime now = from_amz_date("20260102T030405Z").value();
    const Signing signing{.region = "us-west-2", .service = "bedrock-agentcore", .now = now};
    const std::string body(1024, 'b');
    net::RequestHead head{
        .method = "POST",
        .target =
            "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A123456789012%3Aruntime%2F"
            "agent-0123456789/invocations?qualifier=DEFAULT",
        .headers = {{"Host", "127.0.0.1:7070"},
                    {"Content-Type", "application/json"},
                    {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", std::string(36, 'a')}}};
    sign(head, sha256_hex(body), credentials, signing);
    Verifier verifier;
    for (auto _ : state) {
        const auto authorization = parse_authorization(head);
        auto verified = verifier.verify(*authorization, head, {.secret = credentials.secret},
                                        sha256_hex(body), now);
        if (!verified) state.SkipWithError("does not verify");
        benchmark::DoNotOptimize(verified);
    }
}
BENCHMARK(verify_1kb);

}  // namespace
}  // namespace ac::sigv4

BENCHMARK_MAIN();
