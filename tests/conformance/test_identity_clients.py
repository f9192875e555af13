"""Identity and the development issuer as other people's programs use them: the command line, and
the official starter toolkit's own code."""
import contextlib
import json
import os
import pty
import subprocess
import uuid

import pytest
import urllib3

import issuer
from conftest import served
from daemon import REGION, program


def run_cli(daemon, *arguments, code=0, stdin=""):
    done = subprocess.run([program("agentcore"), "identity", *arguments], text=True, input=stdin,
                          capture_output=True, timeout=60, env=daemon.command_environment())
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def test_the_command_line_keeps_credentials(daemon, tmp_path):
    name = f"cli-{uuid.uuid4().hex[:8]}"
    first, second = f"sk-{uuid.uuid4()}", f"sk-{uuid.uuid4()}"
    said = run_cli(daemon, "workload", "create", name, "--return-url", "https://app.example/back")
    said += run_cli(daemon, "api-key", "create", name, "--from-file", "-", stdin=first + "\n")
    assert run_cli(daemon, "get", name, "-w", name) == first + "\n"
    file = tmp_path / "key"
    file.write_text(second)
    said += run_cli(daemon, "api-key", "update", name, "--from-file", str(file))
    assert json.loads(run_cli(daemon, "get", name, "-w", name, "--json"))["apiKey"] == second
    said += run_cli(daemon, "oauth2", "create", name, "--vendor", "GithubOauth2", "--client-id",
                    "id", "--from-file", "-", stdin=first)
    assert "/identities/oauth2/callback/" in said
    said += run_cli(daemon, "oauth2", "show", name) + run_cli(daemon, "api-key", "show", name)
    said += run_cli(daemon, "api-key", "list") + run_cli(daemon, "workload", "show", name)
    assert "https://app.example/back" in said and name in said
    trail = run_cli(daemon, "audit", "--provider", name, "--verify")
    assert "GetResourceApiKey" in trail and "The log is intact." in trail
    assert first not in said + trail and second not in said + trail
    run_cli(daemon, "api-key", "create", name, "--from-file", "-", stdin=first, code=1)
    run_cli(daemon, "api-key", "create", name + "2", first, stdin="", code=2)  # never in argv
    run_cli(daemon, "api-key", "create", name + "2", "--from-file", "-", stdin="", code=2)
    for kind in ("oauth2", "api-key", "workload"):
        run_cli(daemon, kind, "delete", name)
    run_cli(daemon, "get", name, "-w", name, code=4)


def test_a_value_typed_at_the_prompt_is_not_shown(daemon):
    name, secret = f"tty-{uuid.uuid4().hex[:8]}", f"typed-{uuid.uuid4()}"
    ours, theirs = pty.openpty()
    with contextlib.ExitStack() as undo:
        undo.callback(os.close, ours)
        with subprocess.Popen(
                [program("agentcore"), "identity", "api-key", "create", name], stdin=theirs,
                stdout=theirs, stderr=theirs, env=daemon.command_environment(),
                start_new_session=True) as running:
            os.close(theirs)
            shown = os.read(ours, 1000)  # the prompt
            os.write(ours, secret.encode() + b"\n")
            with contextlib.suppress(OSError):  # EIO: the other end was closed
                while part := os.read(ours, 1000):
                    shown += part
            assert running.wait(60) == 0, shown
    assert name.encode() in shown and secret.encode() not in shown
    data = daemon.client("bedrock-agentcore")
    daemon.client("bedrock-agentcore-control").create_workload_identity(name=name)
    token = data.get_workload_access_token(workloadName=name)["workloadAccessToken"]
    assert data.get_resource_api_key(
        workloadIdentityToken=token, resourceCredentialProviderName=name)["apiKey"] == secret


@pytest.fixture
def issuing(tmp_path, monkeypatch):
    config = tmp_path / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", config]) as daemon:
        for name, value in daemon.env.items():
            monkeypatch.setenv(name, value)
        yield daemon


def test_the_starter_toolkit_makes_an_authorizer_and_gets_a_token(issuing, monkeypatch):
    """create_oauth_authorizer_with_cognito and get_access_token_for_cognito. They build AWS's host
    names themselves: here the pool sends what is for the token's host to the daemon."""
    from bedrock_agentcore_starter_toolkit.operations.gateway import GatewayClient, client
    waits = []
    monkeypatch.setattr(client.time, "sleep", waits.append)  # a minute for DNS
    real = urllib3.PoolManager

    class Redirected(real):
        def request(self, method, url, **more):
            parts = urllib3.util.parse_url(url)
            more["headers"] = {**more["headers"], "Host": parts.host}
            return super().request(method, issuing.endpoint + parts.path, **more)

    toolkit = GatewayClient(region_name=REGION)
    made = toolkit.create_oauth_authorizer_with_cognito("MyGateway")
    assert 60 in waits
    rules = made["authorizer_config"]["customJWTAuthorizer"]
    assert rules["allowedClients"] == [made["client_info"]["client_id"]]
    monkeypatch.setattr(client.urllib3, "PoolManager", Redirected)
    token = toolkit.get_access_token_for_cognito(made["client_info"])
    data = issuing.client("bedrock-agentcore")
    issuing.client("bedrock-agentcore-control").create_workload_identity(name="agent")
    # Whoever verifies it finds the pool by the URL in the token.
    assert data.get_workload_access_token_for_jwt(
        workloadName="agent", userToken=token)["workloadAccessToken"]
    import jwt
    claims = jwt.decode(token, options={"verify_signature": False})
    assert rules["discoveryUrl"] == claims["iss"] + "/.well-known/openid-configuration"
