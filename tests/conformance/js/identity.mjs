// Identities, keys and their refusals through the stock clients.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
    BedrockAgentCoreClient, GetResourceApiKeyCommand, GetWorkloadAccessTokenCommand,
    GetWorkloadAccessTokenForUserIdCommand, UnauthorizedException,
} from "@aws-sdk/client-bedrock-agentcore";
import {
    BedrockAgentCoreControlClient, ConflictException, CreateApiKeyCredentialProviderCommand,
    CreateOauth2CredentialProviderCommand, CreateWorkloadIdentityCommand,
    DeleteApiKeyCredentialProviderCommand, DeleteOauth2CredentialProviderCommand,
    DeleteWorkloadIdentityCommand, GetApiKeyCredentialProviderCommand,
    GetOauth2CredentialProviderCommand, GetTokenVaultCommand, ResourceNotFoundException,
    paginateListWorkloadIdentities,
} from "@aws-sdk/client-bedrock-agentcore-control";

const control = new BedrockAgentCoreControlClient({ maxAttempts: 1 });
const data = new BedrockAgentCoreClient({ maxAttempts: 1 });
const name = `js-${randomUUID().slice(0, 8)}`;
const apiKey = `key-${randomUUID()}`;

const workload = await control.send(new CreateWorkloadIdentityCommand({ name }));
assert.ok(workload.workloadIdentityArn.endsWith(`/workload-identity/${name}`));
const listed = [];
for await (const page of paginateListWorkloadIdentities({ client: control, pageSize: 1 }, {}))
    listed.push(...page.workloadIdentities.map((one) => one.name));
assert.ok(listed.includes(name));

const made = await control.send(new CreateApiKeyCredentialProviderCommand({ name, apiKey }));
assert.ok(made.credentialProviderArn.includes(name));
await assert.rejects(
    control.send(new CreateApiKeyCredentialProviderCommand({ name, apiKey })),
    (error) => error instanceof ConflictException);
const shown = await control.send(new GetApiKeyCredentialProviderCommand({ name }));
assert.ok(shown.createdTime instanceof Date && !JSON.stringify(shown).includes(apiKey));

for (const token of [
    (await data.send(new GetWorkloadAccessTokenCommand({ workloadName: name })))
        .workloadAccessToken,
    (await data.send(new GetWorkloadAccessTokenForUserIdCommand({
        workloadName: name, userId: "kim" }))).workloadAccessToken,
]) {
    const got = await data.send(new GetResourceApiKeyCommand({
        workloadIdentityToken: token, resourceCredentialProviderName: name }));
    assert.equal(got.apiKey, apiKey);
    await assert.rejects(
        data.send(new GetResourceApiKeyCommand({
            workloadIdentityToken: token.slice(0, -6), resourceCredentialProviderName: name })),
        (error) => error instanceof UnauthorizedException);
    await assert.rejects(
        data.send(new GetResourceApiKeyCommand({
            workloadIdentityToken: token, resourceCredentialProviderName: "missing" })),
        (error) => error.name === "ResourceNotFoundException");
}

const oauth = await control.send(new CreateOauth2CredentialProviderCommand({
    name, credentialProviderVendor: "GithubOauth2",
    oauth2ProviderConfigInput: {
        githubOauth2ProviderConfig: { clientId: "id", clientSecret: apiKey } } }));
assert.ok(oauth.callbackUrl.includes("/identities/oauth2/callback/"));
const found = await control.send(new GetOauth2CredentialProviderCommand({ name }));
assert.ok(found.oauth2ProviderConfigOutput.githubOauth2ProviderConfig.oauthDiscovery);
assert.ok(!JSON.stringify(found).includes(apiKey));

const vault = await control.send(new GetTokenVaultCommand({}));
assert.ok(vault.lastModifiedDate instanceof Date);

await control.send(new DeleteOauth2CredentialProviderCommand({ name }));
await control.send(new DeleteApiKeyCredentialProviderCommand({ name }));
await control.send(new DeleteWorkloadIdentityCommand({ name }));
await assert.rejects(control.send(new GetApiKeyCredentialProviderCommand({ name })),
    (error) => error instanceof ResourceNotFoundException);
