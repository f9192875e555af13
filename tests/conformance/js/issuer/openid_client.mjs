// openid-client against the development issuer: discovery, client credentials, a login with PKCE,
// the ID token, user information, refresh and revocation.
import assert from "node:assert/strict";
import * as client from "openid-client";

const given = JSON.parse(process.env.GIVEN);
const issuer = new URL(given.issuer);
const insecure = { execute: [client.allowInsecureRequests] };

// A browser that fills the login page in.
async function logIn(url) {
    const page = await fetch(url, { redirect: "manual" });
    assert.equal(page.status, 200);
    const cookie = page.headers.get("set-cookie").split(";")[0];
    const text = await page.text();
    const unescape = (s) => s.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
    const action = unescape(/action="([^"]*)"/.exec(text)[1]);
    const ticket = unescape(/name="ticket" value="([^"]*)"/.exec(text)[1]);
    const answer = await fetch(new URL(action, url), {
        method: "POST",
        redirect: "manual",
        headers: { cookie },
        body: new URLSearchParams({ ticket, username: given.user, password: given.password }),
    });
    assert.equal(answer.status, 303);
    return new URL(answer.headers.get("location"));
}

const machine = await client.discovery(
    issuer, given.machine.clientId, given.machine.clientSecret, undefined, insecure);
const own = await client.clientCredentialsGrant(machine, { scope: "read" });
assert.equal(own.token_type, "bearer");
assert.equal(own.scope, "read");

const basic = await client.discovery(
    issuer, given.machine.clientId, undefined,
    client.ClientSecretBasic(given.machine.clientSecret), insecure);
assert.ok((await client.clientCredentialsGrant(basic)).access_token);

const web = await client.discovery(issuer, given.web.clientId, undefined, client.None(), insecure);
assert.ok(web.serverMetadata().supportsPKCE());
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const there = client.buildAuthorizationUrl(web, {
    redirect_uri: given.redirect,
    scope: "openid email",
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
});
const back = await logIn(there);
const tokens = await client.authorizationCodeGrant(web, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
});
const claims = tokens.claims();
assert.equal(claims.email, "ada@example.com");
const information = await client.fetchUserInfo(web, tokens.access_token, claims.sub);
assert.equal(information.preferred_username, given.user);

const fresh = await client.refreshTokenGrant(web, tokens.refresh_token);
assert.notEqual(fresh.refresh_token, tokens.refresh_token);
await client.tokenRevocation(web, fresh.refresh_token);
await assert.rejects(
    client.refreshTokenGrant(web, fresh.refresh_token), (error) => error.error === "invalid_grant");
