#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "access/authorizer.h"

namespace ac::access {
namespace {

// 50 statements as people write them; only the last but one is about the question.
std::string fifty_statements() {
    std::string statements;
    for (int i = 0; i < 50; ++i) {
        const std::string condition =
            i % 5 == 0 ? R"(,"Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"},
                              "IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1/32"]}})"
                       : "";
        statements += fmt::format(
            R"({}{{"Sid":"S{}","Effect":"{}","Action":["{}:Get*","{}:List*","{}:Put{}"],
                "Resource":["arn:aws:s3:::bucket-{}/${{aws:username}}/*",
                "arn:aws:s3:::shared-{}/*/public/*"]{}}})",
            i == 0 ? "" : ",", i, i % 7 == 3 ? "Deny" : "Allow", i % 2 ? "s3" : "bedrock",
            i % 2 ? "s3" : "bedrock", i % 2 ? "s3" : "bedrock", i, i, i, condition);
    }
    return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}

RequestContext context_of_call() {
    RequestContext context;
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"aws:PrincipalArn", "arn:aws:iam::000000000000:user/alice"},
             {"aws:PrincipalAccount", "000000000000"},
             {"aws:PrincipalType", "User"},
             {"aws:userid", "AIDAABCDEFGHIJKLMNOP2"},
             {"aws:username", "alice"},
             {"aws:CurrentTime", "2026-01-02T03:04:05Z"},
             {"aws:SourceIp", "127.0.0.1"},
             {"aws:RequestedRegion", "us-west-2"}})
        context.add(key, value);
    return context;
}

const Actor kAlice{.account = "000000000000", .arn = "arn:aws:iam::000000000000:user/alice"};

void evaluate_50_statements(benchmark::State& state) {
    const auto policy = parse_policy(fifty_statements(), PolicyKind::identity);
    if (!policy) return state.SkipWithError(policy.error().message.c_str());
    const RequestContext context = context_of_call();
    const Question question{.action = "s3:GetObject",
                            .resource = "arn:aws:s3:::bucket-49/alice/reports/2026/a.json",
                            .actor = kAlice,
                            .context = context};
    for (auto _ : state) {
        const Finding found = evaluate(**policy, question);
        if (found.effect != Effect::allow) state.SkipWithError("is not allowed");
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(evaluate_50_statements);

void parse_50_statements(benchmark::State& state) {
    const std::string document = fifty_statements();
    for (auto _ : state) benchmark::DoNotOptimize(parse_policy(document, PolicyKind::identity));
}
BENCHMARK(parse_50_statements);

}  // namespace
}  // namespace ac::access

BENCHMARK_MAIN();
