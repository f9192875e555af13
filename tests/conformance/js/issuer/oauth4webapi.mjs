// oauth4webapi against the development issuer, whose access tokens it also validates as a resource
// server would (RFC 9068).
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";

const given = JSON.parse(process.env.GIVEN);
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(given.issuer);

for (const algorithm of ["oidc", "oauth2"]) {
    const server = await oauth.processDiscoveryResponse(
        issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }));
    assert.equal(server.issuer, given.issuer);
    assert.equal(server.authorization_response_iss_parameter_supported, true);
}

const server = await oauth.processDiscoveryResponse(
    issuer, await oauth.discoveryRequest(issuer, insecure));
const client = { client_id: given.machine.clientId };
for (const method of [oauth.ClientSecretPost, oauth.ClientSecretBasic]) {
    const answer = await oauth.clientCredentialsGrantRequest(
        server, client, method(given.machine.clientSecret), { scope: "read" }, insecure);
    const tokens = await oauth.processClientCredentialsResponse(server, client, answer);
    const request = new Request("https://api.example/", {
        headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    const claims = await oauth.validateJwtAccessToken(
        server, request, "https://api.example", insecure);
    assert.equal(claims.client_id, client.client_id);
    assert.equal(claims.scope, "read");
}

const refused = await oauth.clientCredentialsGrantRequest(
    server, client, oauth.ClientSecretPost("wrong"), {}, insecure);
await assert.rejects(
    oauth.processClientCredentialsResponse(server, client, refused),
    (error) => error.error === "invalid_client" || error.cause !== undefined);
