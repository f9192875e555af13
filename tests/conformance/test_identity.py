"""Identity with stock clients: the control plane, API keys and OAuth2 tokens, and attacks on
them."""
import asyncio
import concurrent.futures
import json
import time
import urllib.parse
import uuid

import pytest
import requests
from botocore.exceptions import ClientError

import agents
from conftest import served
from oauth_server import OauthServer

RETURN_URL = "https://app.example.com/back"


def name_of(kind="n"):
    return f"{kind}-{uuid.uuid4().hex[:10]}"


def code_of(error):
    return error.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A daemon that may call authorization servers on this host."""
    config = tmp_path_factory.mktemp("identity") / "config.yaml"
    config.write_text('outbound: {allow: ["127.0.0.1/32"]}\n')
    with served(arguments=["--config", config]) as running:
        yield running


@pytest.fixture(scope="module")
def control(home):
    return home.client("bedrock-agentcore-control")


@pytest.fixture(scope="module")
def data(home):
    return home.client("bedrock-agentcore")


@pytest.fixture
def server():
    running = OauthServer()
    yield running
    running.close()


@pytest.fixture
def workload(control):
    name = name_of("agent")
    control.create_workload_identity(name=name, allowedResourceOauth2ReturnUrls=[RETURN_URL])
    yield name
    control.delete_workload_identity(name=name)


@pytest.fixture
def provider(control, server):
    name = name_of("as")
    made = control.create_oauth2_credential_provider(
        name=name, credentialProviderVendor="CustomOauth2",
        oauth2ProviderConfigInput=server.provider_config())
    yield made
    control.delete_oauth2_credential_provider(name=name)


def token_of(data, workload, user):
    return data.get_workload_access_token_for_user_id(
        workloadName=workload, userId=user)["workloadAccessToken"]


def ask(data, token, provider, **more):
    arguments = {"scopes": ["read"], "oauth2Flow": "USER_FEDERATION",
                 "resourceOauth2ReturnUrl": RETURN_URL, **more}
    return data.get_resource_oauth2_token(
        workloadIdentityToken=token, resourceCredentialProviderName=provider["name"], **arguments)


def browse(url):
    """Follows the browser's way up to the application, whose URL it answers."""
    for _ in range(5):
        answer = requests.get(url, allow_redirects=False, timeout=10)
        if answer.status_code != 302:
            return answer
        url = answer.headers["Location"]
        if url.startswith(RETURN_URL):
            return url
    raise AssertionError("too many redirects")


def connect(data, server, workload, user, provider):
    token = token_of(data, workload, user)
    begun = ask(data, token, provider)
    server.user = user
    back = browse(begun["authorizationUrl"])
    session = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["session_id"][0]
    assert session == begun["sessionUri"]
    data.complete_resource_token_auth(userIdentifier={"userId": user}, sessionUri=session)
    return ask(data, token, provider)["accessToken"]


# -- the control plane

def test_workload_identities_live_and_die(control):
    name = name_of("agent")
    made = control.create_workload_identity(name=name, tags={"team": "red"})
    assert made["workloadIdentityArn"].endswith(f"/workload-identity/{name}")
    with pytest.raises(ClientError) as error:
        control.create_workload_identity(name=name)
    assert code_of(error) == "ValidationException" and "already exists" in str(error.value)
    control.update_workload_identity(name=name, allowedResourceOauth2ReturnUrls=["app://x"])
    found = control.get_workload_identity(name=name)
    assert found["allowedResourceOauth2ReturnUrls"] == ["app://x"]
    assert found["createdTime"] <= found["lastUpdatedTime"]
    assert control.list_tags_for_resource(
        resourceArn=made["workloadIdentityArn"])["tags"] == {"team": "red"}
    listed = []
    for page in control.get_paginator("list_workload_identities").paginate(
            PaginationConfig={"PageSize": 1}):
        listed += [one["name"] for one in page["workloadIdentities"]]
    assert name in listed
    control.delete_workload_identity(name=name)
    with pytest.raises(ClientError) as error:
        control.get_workload_identity(name=name)
    assert code_of(error) == "ResourceNotFoundException"


def test_api_key_providers_never_show_the_key(control, data, workload):
    name = name_of("key")
    secret = "sk-" + uuid.uuid4().hex
    answers = [control.create_api_key_credential_provider(name=name, apiKey=secret),
               control.get_api_key_credential_provider(name=name),
               control.list_api_key_credential_providers(maxResults=100)]
    assert secret not in str(answers)
    assert answers[1]["apiKeySecretArn"]["secretArn"].startswith("arn:aws:secretsmanager:")
    token = data.get_workload_access_token(workloadName=workload)["workloadAccessToken"]
    get = lambda: data.get_resource_api_key(  # noqa: E731
        workloadIdentityToken=token, resourceCredentialProviderName=name)["apiKey"]
    assert get() == secret
    control.update_api_key_credential_provider(name=name, apiKey="other")
    assert get() == "other"
    with pytest.raises(ClientError) as error:
        control.create_api_key_credential_provider(name=name, apiKey="x")
    assert code_of(error) == "ConflictException"
    for wrong in ({"apiKey": "x" * 4097}, {"apiKeySecretSource": "EXTERNAL",
                  "apiKeySecretConfig": {"secretId": "s", "jsonKey": "k"}}, {}):
        with pytest.raises(ClientError) as error:
            control.create_api_key_credential_provider(name=name_of(), **wrong)
        assert code_of(error) == "ValidationException"
    control.delete_api_key_credential_provider(name=name)
    with pytest.raises(ClientError) as error:
        get()
    assert code_of(error) == "ResourceNotFoundException"


VENDORS = {
    "GoogleOauth2": ("googleOauth2ProviderConfig", {}),
    "GithubOauth2": ("githubOauth2ProviderConfig", {}),
    "SlackOauth2": ("slackOauth2ProviderConfig", {}),
    "SalesforceOauth2": ("salesforceOauth2ProviderConfig", {}),
    "MicrosoftOauth2": ("microsoftOauth2ProviderConfig", {"tenantId": "contoso"}),
    "AtlassianOauth2": ("atlassianOauth2ProviderConfig", {}),
    "LinkedinOauth2": ("linkedinOauth2ProviderConfig", {}),
    **{f"{vendor}Oauth2": ("includedOauth2ProviderConfig", {}) for vendor in (
        "X", "Facebook", "Yandex", "Reddit", "Zoom", "Twitch", "Spotify", "Dropbox", "Notion",
        "Hubspot")},
    **{f"{vendor}Oauth2": ("includedOauth2ProviderConfig", {
        "issuer": "https://me.example.com", "authorizationEndpoint": "https://me.example.com/a",
        "tokenEndpoint": "https://me.example.com/t"}) for vendor in (
        "Okta", "OneLogin", "PingOne", "CyberArk", "FusionAuth", "Auth0", "Cognito")},
}


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_every_vendor_has_its_endpoints(control, vendor):
    member, extra = VENDORS[vendor]
    name = name_of("v")
    made = control.create_oauth2_credential_provider(
        name=name, credentialProviderVendor=vendor,
        oauth2ProviderConfigInput={member: {"clientId": "i", "clientSecret": "s", **extra}})
    found = control.get_oauth2_credential_provider(name=name)
    assert found["credentialProviderVendor"] == vendor
    assert found["callbackUrl"] == made["callbackUrl"]
    metadata = found["oauth2ProviderConfigOutput"][member]["oauthDiscovery"][
        "authorizationServerMetadata"]
    for member in ("issuer", "authorizationEndpoint", "tokenEndpoint"):
        assert metadata[member].startswith("https://")
    control.delete_oauth2_credential_provider(name=name)


def test_the_vault_has_a_key(control):
    vault = control.get_token_vault()
    assert vault["tokenVaultId"] == "default"
    assert vault["kmsConfiguration"] == {"keyType": "ServiceManagedKey"}
    with pytest.raises(ClientError) as error:
        control.set_token_vault_cmk(kmsConfiguration={
            "keyType": "CustomerManagedKey",
            "kmsKeyArn": f"arn:aws:kms:us-west-2:000000000000:key/{uuid.uuid4()}"})
    assert code_of(error) == "ValidationException"
    assert control.set_token_vault_cmk(
        kmsConfiguration={"keyType": "ServiceManagedKey"})["tokenVaultId"] == "default"


# -- OAuth2

def test_m2m_is_asked_once(data, server, workload, provider):
    token = token_of(data, workload, "kim")
    get = lambda **more: ask(data, token, provider, oauth2Flow="M2M", **more)["accessToken"]  # noqa
    first = get()
    assert server.issued[first] == "client"
    assert get() == first
    assert get(forceAuthentication=True) != first


def test_a_user_consents_and_the_token_comes(data, server, workload, provider):
    token = token_of(data, workload, "kim")
    begun = ask(data, token, provider, customState="my state")
    assert begun["sessionStatus"] == "IN_PROGRESS"
    assert begun["sessionUri"].startswith("urn:ietf:params:oauth:request_uri:")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun["authorizationUrl"]).query))
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == provider["callbackUrl"]
    assert ask(data, token, provider, sessionUri=begun["sessionUri"])["sessionStatus"] == (
        "IN_PROGRESS")
    back = browse(begun["authorizationUrl"])
    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query)) == {
        "session_id": begun["sessionUri"], "state": "my state"}
    data.complete_resource_token_auth(
        userIdentifier={"userId": "kim"}, sessionUri=begun["sessionUri"])
    got = ask(data, token, provider, sessionUri=begun["sessionUri"])
    assert server.issued[got["accessToken"]] == "kim"


def test_refresh_happens_once_however_many_ask(data, server, workload, provider):
    server.life = 61
    connect(data, server, workload, "kim", provider)
    time.sleep(1.2)
    server.life = 3600
    server.delay = 0.2
    token = token_of(data, workload, "kim")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: ask(data, token, provider)["accessToken"], range(32)))
    assert len(tokens) == 1
    assert server.refreshes == 1


# -- attacks

def test_user_a_never_gets_bs_token(data, server, workload, provider):
    users = [f"user{i}" for i in range(8)]
    owned = {user: connect(data, server, workload, user, provider) for user in users}
    tokens = {user: token_of(data, workload, user) for user in users}

    def check(i):
        user = users[i % len(users)]
        got = ask(data, tokens[user], provider)["accessToken"]
        return got == owned[user] and server.issued[got] == user

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(check, range(400)))


def test_a_link_sent_to_somebody_else_gives_nobody_anything(data, server, workload, provider):
    mallory = token_of(data, workload, "mallory")
    begun = ask(data, mallory, provider)
    server.user = "victim"
    browse(begun["authorizationUrl"])
    with pytest.raises(ClientError) as error:
        data.complete_resource_token_auth(
            userIdentifier={"userId": "victim"}, sessionUri=begun["sessionUri"])
    assert code_of(error) == "AccessDeniedException"
    assert "accessToken" not in ask(data, mallory, provider)
    assert "accessToken" not in ask(data, token_of(data, workload, "victim"), provider)


def test_state_and_code_are_good_once(data, server, workload, provider):
    begun = ask(data, token_of(data, workload, "kim"), provider)
    to_callback = requests.get(
        begun["authorizationUrl"], allow_redirects=False, timeout=10).headers["Location"]
    forged = to_callback.replace("state=", "state=x")
    assert requests.get(forged, allow_redirects=False, timeout=10).status_code == 400
    twice = to_callback + "&state=again"
    assert requests.get(twice, allow_redirects=False, timeout=10).status_code == 400
    assert requests.get(to_callback, allow_redirects=False, timeout=10).status_code == 302
    replayed = requests.get(to_callback, allow_redirects=False, timeout=10)
    assert replayed.status_code == 400 and "Location" not in replayed.headers


def test_return_urls_must_be_registered(data, workload, provider):
    token = token_of(data, workload, "kim")
    for url in ("https://evil.example.com/", RETURN_URL + "/", RETURN_URL + "@evil.com",
                "javascript:alert(1)"):
        with pytest.raises(ClientError) as error:
            ask(data, token, provider, resourceOauth2ReturnUrl=url)
        assert code_of(error) == "ValidationException"


def test_another_issuers_answer_is_refused(control, data, workload):
    server = OauthServer()
    server.names_issuer = True
    try:
        made = control.create_oauth2_credential_provider(
            name=name_of("as"), credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput=server.provider_config())
        begun = ask(data, token_of(data, workload, "kim"), made)
        to_callback = requests.get(
            begun["authorizationUrl"], allow_redirects=False, timeout=10).headers["Location"]
        base, iss = to_callback.split("&iss=")
        for wrong in (base, base + "&iss=https%3A%2F%2Fevil.example.com"):
            assert requests.get(wrong, allow_redirects=False, timeout=10).status_code == 400
        assert requests.get(
            to_callback, allow_redirects=False, timeout=10).status_code == 302
    finally:
        server.close()


def test_pkce_is_not_given_up(control, data, workload):
    server = OauthServer()
    server.challenge_methods = ["plain"]
    try:
        made = control.create_oauth2_credential_provider(
            name=name_of("as"), credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput=server.provider_config())
        with pytest.raises(ClientError):
            ask(data, token_of(data, workload, "kim"), made)
    finally:
        server.close()


LIES = {
    "redirect": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
    "html": (200, {"Content-Type": "text/html"}, b"<html>"),
    "no token": (200, {"Content-Type": "application/json"}, b"{}"),
    "header": (200, {"Content-Type": "application/json"},
               json.dumps({"access_token": "a\r\nX: y"}).encode()),
    "huge": (200, {"Content-Type": "application/json"}, b" " * (1 << 20)),
    "refused": (400, {"Content-Type": "application/json"}, b'{"error":"access_denied"}'),
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_token_endpoint_that_lies(data, server, workload, provider, lie):
    server.answer = LIES[lie]
    with pytest.raises(ClientError) as error:
        ask(data, token_of(data, workload, "kim"), provider, oauth2Flow="M2M")
    assert "planted-client-secret" not in str(error.value)


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest", "http://10.0.0.1", "http://[::1]:1", "http://127.0.0.2:1"])
def test_servers_at_private_addresses_are_not_called(control, data, workload, url):
    made = control.create_oauth2_credential_provider(
        name=name_of("as"), credentialProviderVendor="CustomOauth2",
        oauth2ProviderConfigInput={"customOauth2ProviderConfig": {
            "oauthDiscovery": {"discoveryUrl": url + "/.well-known/openid-configuration"},
            "clientId": "i", "clientSecret": "s"}})
    with pytest.raises(ClientError) as error:
        ask(data, token_of(data, workload, "kim"), made, oauth2Flow="M2M")
    assert code_of(error) == "AccessDeniedException", error.value


def test_tokens_that_are_none_are_refused(data, control, workload):
    name = name_of("key")
    control.create_api_key_credential_provider(name=name, apiKey="x")
    good = token_of(data, workload, "kim")
    for token in ("x", good[:-1], good[:20] + "A" + good[21:], good + good, "a.b.c"):
        if token == good:
            continue
        with pytest.raises(ClientError) as error:
            data.get_resource_api_key(
                workloadIdentityToken=token, resourceCredentialProviderName=name)
        assert code_of(error) == "UnauthorizedException"


# -- the AgentCore SDK

@pytest.fixture
def sdk(home, monkeypatch, tmp_path):
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return home


def test_sdk_identity_client(sdk):
    from bedrock_agentcore.services.identity import IdentityClient
    client = IdentityClient("us-west-2")
    workload = client.create_workload_identity()["name"]
    name = name_of("key")
    client.create_api_key_credential_provider({"name": name, "apiKey": "sdk-key"})
    token = client.get_workload_access_token(workload, user_id="kim")["workloadAccessToken"]
    key = asyncio.run(client.get_api_key(provider_name=name, agent_identity_token=token))
    assert key == "sdk-key"


def test_sdk_decorators_at_home(sdk, server, control, provider):
    from bedrock_agentcore.identity.auth import requires_access_token, requires_api_key
    name = name_of("key")
    control.create_api_key_credential_provider(name=name, apiKey="decorated")

    @requires_api_key(provider_name=name)
    def use_key(*, api_key):
        return api_key

    @requires_access_token(provider_name=provider["name"], scopes=["read"], auth_flow="M2M")
    def use_token(*, access_token):
        return access_token

    assert use_key() == "decorated"
    assert server.issued[use_token()] == "client"


AGENT = """
from bedrock_agentcore import BedrockAgentCoreApp
from bedrock_agentcore.identity.auth import requires_access_token, requires_api_key

app = BedrockAgentCoreApp()


@requires_api_key(provider_name="{key}")
def use_key(*, api_key):
    return api_key


@requires_access_token(provider_name="{provider}", scopes=["read"], auth_flow="M2M")
def use_token(*, access_token):
    return access_token


@app.entrypoint
def main(payload):
    try:
        return {{"key": use_key(), "token": use_token()}}
    except Exception as error:
        return {{"error": repr(error)}}


if __name__ == "__main__":
    app.run()
"""


def test_sdk_decorators_in_a_deployed_agent(home, server, control, provider):
    key = name_of("key")
    control.create_api_key_credential_provider(name=key, apiKey="for-the-agent")
    runtime = agents.deploy(home, {
        "agent.py": AGENT.format(key=key, provider=provider["name"]),
        "requirements.txt": "bedrock-agentcore\n"}, name="decorated")
    identity = control.get_workload_identity(name=runtime.id)
    assert runtime.get()["workloadIdentityDetails"]["workloadIdentityArn"] == (
        identity["workloadIdentityArn"])
    answer = runtime.invoke({}, runtimeUserId="kim")
    assert answer.get("key") == "for-the-agent", answer
    assert server.issued[answer["token"]] == "client"
