"""The development issuer: grants, logins, refresh, revocation, and what attackers try."""
import concurrent.futures
import json
import pathlib
import subprocess

import jwt
import pytest
import requests

import issuer
from conftest import served
from daemon import ROOT

JS = pathlib.Path(__file__).parent / "js/issuer"
REDIRECT = "http://127.0.0.1:9/callback"


@pytest.fixture(scope="module")
def issuing(tmp_path_factory):
    config = tmp_path_factory.mktemp("issuer") / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def web_client(issuing):
    return issuer.admin(issuing, "POST", "/x/issuer/clients", {
        "name": "Web <app>", "grants": ["authorization_code"], "redirectUris": [REDIRECT],
        "scopes": ["openid", "email"], "public": True})


@pytest.fixture(scope="module")
def user(issuing):
    issuer.admin(issuing, "POST", "/x/issuer/users",
                 {"name": "ada", "password": "correct horse", "email": "ada@example.com"})
    return "ada", "correct horse"


def metadata_of(daemon):
    return requests.get(daemon.endpoint + "/issuer/.well-known/openid-configuration",
                        timeout=60).json()


def code_of(daemon, client, user, **more):
    verifier, challenge = issuer.pkce()
    browser, page = issuer.authorize(
        daemon, client_id=client["clientId"], response_type="code", redirect_uri=REDIRECT,
        scope="openid email", state="a state", nonce="n", code_challenge=challenge,
        code_challenge_method="S256", **more)
    assert page.status_code == 200, page.text
    answer = issuer.log_in(daemon, browser, page, *user)
    assert answer.status_code == 303, answer.text
    return issuer.query_of(answer), verifier


def redeem(daemon, client, code, verifier, **more):
    return requests.post(daemon.endpoint + "/issuer/oauth2/token", timeout=60, data={
        "grant_type": "authorization_code", "client_id": client["clientId"], "code": code,
        "redirect_uri": REDIRECT, "code_verifier": verifier, **more})


def refresh(daemon, client, token):
    return requests.post(daemon.endpoint + "/issuer/oauth2/token", timeout=60, data={
        "grant_type": "refresh_token", "client_id": client["clientId"], "refresh_token": token})


def test_discovery_names_the_issuer_and_its_keys(issuing):
    metadata = metadata_of(issuing)
    assert metadata["issuer"] == issuing.endpoint + "/issuer"
    keys = requests.get(metadata["jwks_uri"], timeout=60).json()["keys"]
    assert keys and all("d" not in key for key in keys)
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    inserted = requests.get(
        issuing.endpoint + "/.well-known/oauth-authorization-server/issuer", timeout=60).json()
    assert inserted == metadata


def test_client_credentials(issuing):
    client = issuer.machine_client(issuing, audiences=["https://api.example"])
    answer = issuer.token_of(issuing, client, scope="read")
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600
    keys = jwt.PyJWKClient(metadata_of(issuing)["jwks_uri"])
    token = answer["access_token"]
    claims = jwt.decode(token, keys.get_signing_key_from_jwt(token).key, algorithms=["ES256"],
                        audience="https://api.example", issuer=issuing.endpoint + "/issuer")
    assert claims["client_id"] == claims["sub"] == client["clientId"]
    assert claims["scope"] == "read"
    in_form = requests.post(issuing.endpoint + "/issuer/oauth2/token", timeout=60, data={
        "grant_type": "client_credentials", "client_id": client["clientId"],
        "client_secret": client["clientSecret"]})
    assert in_form.json()["scope"] == "read write"


@pytest.mark.parametrize("data, auth, error", [
    ({"grant_type": "client_credentials"}, "wrong", "invalid_client"),
    ({"grant_type": "client_credentials"}, None, "invalid_client"),
    ({"grant_type": "client_credentials", "scope": "admin"}, "right", "invalid_scope"),
    ({"grant_type": "client_credentials", "resource": "https://x"}, "right", "invalid_target"),
    ({"grant_type": "password", "username": "a", "password": "b"}, "right",
     "unsupported_grant_type"),
    ({"grant_type": "authorization_code", "code": "x"}, "right", "unauthorized_client"),
    ({}, "right", "invalid_request"),
    ({"grant_type": "client_credentials", "client_secret": "x"}, "right", "invalid_request"),
    ({"grant_type": ["client_credentials", "client_credentials"]}, "right", "invalid_request"),
])
def test_refused_grants(issuing, data, auth, error):
    client = issuer.machine_client(issuing)
    secrets = {"right": client["clientSecret"], "wrong": "x"}
    response = requests.post(
        issuing.endpoint + "/issuer/oauth2/token", data=data, timeout=60,
        auth=(client["clientId"], secrets[auth]) if auth else None)
    assert response.status_code in (400, 401)
    assert response.json()["error"] == error
    assert response.headers["Cache-Control"] == "no-store"


def test_a_form_beyond_bounds_is_the_callers_fault(issuing):
    response = requests.post(issuing.endpoint + "/issuer/oauth2/token", timeout=60,
                             data={"grant_type": "client_credentials", "more": "x" * 100_000})
    assert response.status_code == 413
    assert response.json()["error"] == "invalid_request"


def test_login_with_pkce(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    assert answer["state"] == "a state" and answer["iss"] == issuing.endpoint + "/issuer"
    tokens = redeem(issuing, web_client, answer["code"], verifier).json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["nonce"] == "n" and claims["aud"] == web_client["clientId"]
    assert claims["email"] == "ada@example.com"
    information = requests.get(
        issuing.endpoint + "/issuer/oauth2/userInfo", timeout=60,
        headers={"Authorization": "Bearer " + tokens["access_token"]}).json()
    assert information["sub"] == claims["sub"] and information["preferred_username"] == "ada"
    refused = requests.get(issuing.endpoint + "/issuer/oauth2/userInfo", timeout=60,
                           headers={"Authorization": "Bearer " + tokens["id_token"]})
    assert refused.status_code == 401


def test_a_code_is_good_once_and_its_replay_ends_what_it_gave(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    tokens = redeem(issuing, web_client, answer["code"], verifier).json()
    replayed = redeem(issuing, web_client, answer["code"], verifier)
    assert replayed.json()["error"] == "invalid_grant"
    assert refresh(issuing, web_client, tokens["refresh_token"]).status_code == 400
    assert requests.get(
        issuing.endpoint + "/issuer/oauth2/userInfo", timeout=60,
        headers={"Authorization": "Bearer " + tokens["access_token"]}).status_code == 401


@pytest.mark.parametrize("change", [
    {"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": REDIRECT + "/"},
    {"code": "x"}])
def test_a_code_is_bound_to_its_request(issuing, web_client, user, change):
    answer, verifier = code_of(issuing, web_client, user)
    form = {"code": answer["code"], "code_verifier": verifier, **change}
    refused = requests.post(issuing.endpoint + "/issuer/oauth2/token", timeout=60, data={
        "grant_type": "authorization_code", "client_id": web_client["clientId"],
        "redirect_uri": REDIRECT, **form})
    assert refused.json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_client(issuing, web_client, user):
    other = issuer.admin(issuing, "POST", "/x/issuer/clients", {
        "name": "other", "grants": ["authorization_code"], "redirectUris": [REDIRECT],
        "scopes": ["openid", "email"], "public": True})
    answer, verifier = code_of(issuing, web_client, user)
    assert redeem(issuing, other, answer["code"], verifier).json()["error"] == "invalid_grant"


def test_refresh_tokens_rotate_and_reuse_ends_the_family(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    first = redeem(issuing, web_client, answer["code"], verifier).json()
    second = refresh(issuing, web_client, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert refresh(issuing, web_client, first["refresh_token"]).status_code == 400
    assert refresh(issuing, web_client, second["refresh_token"]).status_code == 400


def test_of_many_at_once_one_refresh_wins(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    token = redeem(issuing, web_client, answer["code"], verifier).json()["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: refresh(issuing, web_client, token).status_code,
                                range(16)))
    assert sorted(answers)[0] == 200 and answers.count(200) == 1


def test_revocation_ends_the_family(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    tokens = redeem(issuing, web_client, answer["code"], verifier).json()
    revoked = requests.post(issuing.endpoint + "/issuer/oauth2/revoke", timeout=60, data={
        "client_id": web_client["clientId"], "token": tokens["refresh_token"]})
    assert revoked.status_code == 200
    assert refresh(issuing, web_client, tokens["refresh_token"]).status_code == 400


@pytest.mark.parametrize("change, error", [
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"prompt": "none"}, "login_required"),
    ({"request_uri": "https://evil.example"}, "request_not_supported"),
])
def test_refused_authorizations_go_back_to_the_client(issuing, web_client, change, error):
    _, challenge = issuer.pkce()
    parameters = {"client_id": web_client["clientId"], "response_type": "code",
                  "redirect_uri": REDIRECT, "state": "s", "code_challenge": challenge,
                  "code_challenge_method": "S256", **change}
    _, answer = issuer.authorize(issuing, **parameters)
    assert answer.status_code == 303 and answer.headers["Location"].startswith(REDIRECT + "?")
    query = issuer.query_of(answer)
    assert query["error"] == error and query["state"] == "s" and "iss" in query


@pytest.mark.parametrize("uri", [
    REDIRECT + "/", REDIRECT + "?x=1", "http://127.0.0.1:9/callback/../x", "https://evil.example",
    REDIRECT.replace("9", "10"), "javascript:alert(1)", ""])
def test_unregistered_redirect_uris_are_never_followed(issuing, web_client, uri):
    _, challenge = issuer.pkce()
    _, answer = issuer.authorize(
        issuing, client_id=web_client["clientId"], response_type="code", redirect_uri=uri,
        code_challenge=challenge, code_challenge_method="S256")
    assert answer.status_code == 400 and "Location" not in answer.headers


def test_the_login_page_is_bound_to_its_browser(issuing, web_client, user):
    _, challenge = issuer.pkce()
    browser, page = issuer.authorize(
        issuing, client_id=web_client["clientId"], response_type="code", redirect_uri=REDIRECT,
        code_challenge=challenge, code_challenge_method="S256")
    assert "Web &lt;app&gt;" in page.text and "<app>" not in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    stranger = issuer.log_in(issuing, requests.Session(), page, *user)
    assert stranger.status_code == 400
    wrong = issuer.log_in(issuing, browser, page, user[0], "wrong")
    assert wrong.status_code == 200 and "Incorrect username or password" in wrong.text
    assert issuer.log_in(issuing, browser, page, *user).status_code == 303


def test_guessing_is_throttled(issuing, web_client):
    issuer.admin(issuing, "POST", "/x/issuer/users", {"name": "eve", "password": "right password"})
    _, challenge = issuer.pkce()
    browser, page = issuer.authorize(
        issuing, client_id=web_client["clientId"], response_type="code", redirect_uri=REDIRECT,
        code_challenge=challenge, code_challenge_method="S256")
    for _ in range(20):
        assert issuer.log_in(issuing, browser, page, "eve", "wrong").status_code == 200
    throttled = issuer.log_in(issuing, browser, page, "eve", "right password")
    assert throttled.status_code == 200 and "attempts exceeded" in throttled.text


def test_a_token_is_exchanged_on_behalf_of_its_user(issuing, web_client, user):
    answer, verifier = code_of(issuing, web_client, user)
    tokens = redeem(issuing, web_client, answer["code"], verifier).json()
    agent = issuer.admin(issuing, "POST", "/x/issuer/clients", {
        "name": "agent", "grants": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "scopes": ["email"], "audiences": ["https://tool.example"]})
    answer = requests.post(
        issuing.endpoint + "/issuer/oauth2/token", timeout=60,
        auth=(agent["clientId"], agent["clientSecret"]), data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": tokens["access_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}).json()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    before = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["sub"] == before["sub"] and claims["act"] == {"sub": agent["clientId"]}
    assert claims["scope"] == "email" and claims["aud"] == "https://tool.example"


def test_keys_rotate_and_survive_a_restart(issuing):
    before = requests.get(metadata_of(issuing)["jwks_uri"], timeout=60).json()["keys"]
    issuer.admin(issuing, "POST", "/x/issuer/keys")
    after = requests.get(metadata_of(issuing)["jwks_uri"], timeout=60).json()["keys"]
    assert len(after) == len(before) + 1
    signer = jwt.get_unverified_header(
        issuer.token_of(issuing, issuer.machine_client(issuing))["access_token"])["kid"]
    assert signer in [key["kid"] for key in before], "a new key is published before it signs"
    issuing.restart()
    assert requests.get(metadata_of(issuing)["jwks_uri"], timeout=60).json()["keys"] == after


@pytest.mark.parametrize("program", ["openid_client", "oauth4webapi"])
def test_javascript_clients(issuing, web_client, user, program):
    given = {
        "issuer": issuing.endpoint + "/issuer", "redirect": REDIRECT, "web": web_client,
        "machine": issuer.machine_client(issuing, audiences=["https://api.example"]),
        "user": user[0], "password": user[1]}
    done = subprocess.run(
        [ROOT / "build/venv/bin/node", JS / f"{program}.mjs"], text=True, capture_output=True,
        env={**issuing.command_environment(), "GIVEN": json.dumps(given)},
        stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
