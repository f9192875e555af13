#include "access/managed_policies.h"

#include <string>

namespace ac::access {
namespace {

constexpr std::string_view kArnPrefix = "arn:aws:iam::aws:policy";

constexpr ManagedPolicy kPolicies[] = {
    {"/", "AdministratorAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    {"/", "PowerUserAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},
        {"Effect":"Allow","Action":["iam:ListRoles","iam:GetAccountSummary"],"Resource":"*"}]})"},
    {"/", "ReadOnlyAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["bedrock-agentcore:Get*","bedrock-agentcore:List*",
         "bedrock-agentcore:Retrieve*","bedrock:Get*","bedrock:List*","s3:Get*","s3:List*",
         "iam:Get*","iam:List*","iam:Simulate*","sts:GetCallerIdentity","cognito-idp:Describe*",
         "cognito-idp:List*","logs:Describe*","logs:Get*","logs:FilterLogEvents"],
         "Resource":"*"}]})"},
    {"/", "IAMFullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"iam:*","Resource":"*"}]})"},
    {"/", "IAMReadOnlyAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:Simulate*"],"Resource":"*"}]})"},
    {"/", "AmazonS3FullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]})"},
    {"/", "AmazonS3ReadOnlyAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*"],"Resource":"*"}]})"},
    {"/", "AmazonDynamoDBFullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]})"},
    {"/", "AmazonBedrockFullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"bedrock:*","Resource":"*"}]})"},
    {"/", "AmazonBedrockReadOnly", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["bedrock:Get*","bedrock:List*"],"Resource":"*"}]})"},
    {"/", "AmazonBedrockLimitedAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["bedrock:Get*","bedrock:List*","bedrock:InvokeModel",
         "bedrock:InvokeModelWithResponseStream","bedrock:ApplyGuardrail"],"Resource":"*"}]})"},
    {"/", "BedrockAgentCoreFullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"bedrock-agentcore:*","Resource":"*"},
        {"Effect":"Allow","Action":["iam:GetRole","iam:ListRoles"],"Resource":"*"},
        {"Effect":"Allow","Action":"iam:PassRole","Resource":
         ["arn:aws:iam::*:role/*BedrockAgentCore*","arn:aws:iam::*:role/service-role/*"]},
        {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],
         "Resource":"arn:aws:s3:::bedrock-agentcore-*"}]})"},
    {"/", "AmazonCognitoPowerUser", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["cognito-idp:*","cognito-identity:*"],"Resource":"*"}]})"},
    {"/", "AWSLambda_FullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"lambda:*","Resource":"*"}]})"},
    {"/service-role/", "AWSLambdaBasicExecutionRole", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",
         "logs:PutLogEvents"],"Resource":"*"}]})"},
    {"/", "CloudWatchLogsFullAccess", R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"logs:*","Resource":"*"}]})"},
};

}  // namespace

std::span<const ManagedPolicy> managed_policies() {
    return kPolicies;
}

bool is_managed_policy_arn(std::string_view arn) {
    return arn.starts_with(kArnPrefix) && arn.size() > kArnPrefix.size() + 1 &&
           arn[kArnPrefix.size()] == '/' && !arn.ends_with('/');
}

const ManagedPolicy* find_managed_policy(std::string_view arn) {
    for (const ManagedPolicy& policy : kPolicies)
        if (managed_policy_arn(policy) == arn) return &policy;
    return nullptr;
}

std::string managed_policy_arn(const ManagedPolicy& policy) {
    return std::string(kArnPrefix).append(policy.path).append(policy.name);
}

}  // namespace ac::access
