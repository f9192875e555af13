"""`agentcore env --transparent`: clients that insist on AWS's own host names, unchanged and without
an endpoint variable, in processes of their own."""
import json
import pathlib
import stat
import subprocess

import pytest

import agents
import models_config
from conftest import served
from daemon import REGION, ROOT, program
from test_web_socket import AGENT

PYTHON = ROOT / "build/venv/bin/python"
NODE = ROOT / "build/venv/bin/node"
HOST = f"bedrock-agentcore.{REGION}.amazonaws.com"


def transparent_environment(daemon):
    """What a shell has after eval "$(agentcore env --transparent)", without AWS_ENDPOINT_URL."""
    before = daemon.command_environment()
    done = subprocess.run([program("agentcore"), "env", "--transparent", "--json"], env=before,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    environment = dict(before)
    for name, value in json.loads(done.stdout).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    assert environment.pop("AWS_ENDPOINT_URL") == daemon.endpoint
    return environment


@pytest.fixture(scope="module")
def environment(daemon):
    return transparent_environment(daemon)


def run(environment, *command, given=None, code=0):
    done = subprocess.run([*map(str, command)], env={**environment, "GIVEN": json.dumps(given)},
                          capture_output=True, text=True, timeout=180, cwd=ROOT,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr[-4000:] + done.stdout[-1000:]
    return done.stdout


def python(environment, script, **given):
    """What the script prints, as JSON; it finds `given` as a dict of that name."""
    prelude = "import json, os\ngiven = json.loads(os.environ['GIVEN'])\n"
    return json.loads(run(environment, PYTHON, "-c", prelude + script, given=given))


def test_boto3_needs_no_endpoint(environment):
    seen = python(environment, """
import boto3, botocore.config
control = boto3.client("bedrock-agentcore-control")
s3 = boto3.client("s3", config=botocore.config.Config(signature_version="s3v4"))
s3.create_bucket(Bucket="hosted-style", CreateBucketConfiguration={
    "LocationConstraint": s3.meta.region_name})
s3.put_object(Bucket="hosted-style", Key="a/b c", Body=b"bytes")
body = s3.get_object(Bucket="hosted-style", Key="a/b c")["Body"].read().decode()
link = s3.generate_presigned_url("get_object", Params={"Bucket": "hosted-style", "Key": "a/b c"})
import requests
print(json.dumps({"host": control.meta.endpoint_url, "body": body, "link": link,
                  "linked": requests.get(link).text,
                  "who": boto3.client("sts").get_caller_identity()["Account"],
                  "runtimes": control.list_agent_runtimes()["ResponseMetadata"]["HTTPStatusCode"]}))
""")
    assert seen["host"] == f"https://bedrock-agentcore-control.{REGION}.amazonaws.com"
    assert seen["link"].startswith("https://hosted-style.s3.")
    assert (seen["body"], seen["linked"]) == ("bytes", "bytes")
    assert (seen["who"], seen["runtimes"]) == ("000000000000", 200)


def test_the_runtime_client_invokes_and_opens_web_sockets(deployed, environment):
    agent = deployed({"agent.py": AGENT, "requirements.txt": "bedrock-agentcore==1.25.0\n"},
                     name="transparent_sockets")
    seen = python(environment, """
import uuid
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from websockets.sync.client import connect
client = AgentCoreRuntimeClient(region=given["region"])
session = "session-" + str(uuid.uuid4())
answer = client.invoke_agent_runtime(agentRuntimeArn=given["arn"], runtimeSessionId=session,
                                     payload=b"{}")
invoked = json.loads(answer["response"].read())
url, headers = client.generate_ws_connection(given["arn"], session_id=session)
skip = {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
        "user-agent"}
def talk(url, headers=None):
    headers = {k: v for k, v in (headers or {}).items() if k.lower() not in skip}
    with connect(url, additional_headers=headers) as ws:
        hello = json.loads(ws.recv())
        ws.send("echo me")
        return {**hello, "echo": ws.recv()}
signed = talk(url, headers)
presigned = talk(client.generate_presigned_url(given["arn"], session_id=session))
print(json.dumps({"url": url, "session": session, "invoked": invoked, "signed": signed,
                  "presigned": presigned}))
""", arn=agent.arn, region=REGION)
    assert seen["url"].startswith(f"wss://{HOST}/")
    for answer in (seen["invoked"], seen["signed"], seen["presigned"]):
        assert answer["session"] == seen["session"]
    assert seen["signed"]["pid"] == seen["presigned"]["pid"] == seen["invoked"]["pid"]
    assert seen["signed"]["echo"] == seen["presigned"]["echo"] == "echo me"


def test_the_runtime_client_opens_shells(puppet, environment):
    session = agents.session_id()
    seen = python(environment, """
import asyncio
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from bedrock_agentcore.runtime.shell import PresignedAuth, ShellChannel

async def talk(typed, **more):
    client, text = AgentCoreRuntimeClient(region=given["region"]), ""
    async with client.open_shell(given["arn"], session_id=given["session"], **more) as shell:
        await shell.resize(101, 37)
        await shell.send(typed)
        async for frame in shell:
            if frame.channel == ShellChannel.STDOUT: text += frame.text
        return {"text": text, "code": shell.exit_code, "session": shell.session_id,
                "url": client.connect_shell(given["arn"])[0]}

signed = asyncio.run(talk("stty size; echo x > /work/note; exit 7\\n"))
presigned = asyncio.run(talk("cat /work/note; exit\\n", auth=PresignedAuth(expires=60)))
print(json.dumps([signed, presigned]))
""", arn=puppet.arn, region=REGION, session=session)
    signed, presigned = seen
    assert signed["url"].startswith(f"wss://{HOST}/")
    assert "37 101" in signed["text"] and signed["session"] == session
    assert (signed["code"], presigned["code"]) == (7, 0)
    assert puppet.invoke({"do": "read", "path": "/work/note"}, session) == {"text": "x\n"}


def test_the_toolkit_gets_a_cognito_token(environment):
    seen = python(environment, """
import boto3
from bedrock_agentcore_starter_toolkit.operations.gateway.client import GatewayClient
pools = boto3.client("cognito-idp")
pool = pools.create_user_pool(PoolName="transparent")["UserPool"]["Id"]
pools.create_user_pool_domain(Domain="agentcore-transparent", UserPoolId=pool)
pools.create_resource_server(UserPoolId=pool, Identifier="Gateway", Name="Gateway", Scopes=[
    {"ScopeName": "invoke", "ScopeDescription": "to invoke"}])
made = pools.create_user_pool_client(
    UserPoolId=pool, ClientName="c", GenerateSecret=True, AllowedOAuthFlowsUserPoolClient=True,
    AllowedOAuthFlows=["client_credentials"], AllowedOAuthScopes=["Gateway/invoke"],
    SupportedIdentityProviders=["COGNITO"])["UserPoolClient"]
token = GatewayClient(region_name=given["region"]).get_access_token_for_cognito({
    "client_id": made["ClientId"], "client_secret": made["ClientSecret"],
    "scope": "Gateway/invoke",
    "token_endpoint": "https://agentcore-transparent.auth." + given["region"] +
                      ".amazoncognito.com/oauth2/token"})
import jwt, requests
discovery = requests.get("https://cognito-idp." + given["region"] + ".amazonaws.com/" + pool +
                         "/.well-known/openid-configuration").json()
key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token).key
claims = jwt.decode(token, key, ["RS256"], issuer=discovery["issuer"])
print(json.dumps(claims))
""", region=REGION)
    assert seen["scope"] == "Gateway/invoke"


def test_node_trusts_the_names(puppet, environment):
    script = ROOT / "tests/conformance/js/transparent/hosts.mjs"
    seen = json.loads(run(environment, NODE, script, given={"arn": puppet.arn, "region": REGION}))
    assert seen["status"] == 200
    assert seen["host"] == HOST
    assert seen["fetched"] == 200


def test_curl_sees_a_certificate_for_the_name_and_nothing_else_is_vouched_for(daemon, environment):
    url = f"https://anything.at.all.{REGION}.amazonaws.com/healthz"
    assert '"ok"' in run(environment, "curl", "-sS", url)
    port = environment["AGENTCORE_TRANSPARENT"].rsplit(":", 1)[1]
    refused = subprocess.run(
        ["curl", "-sS", "--cacert", environment["NODE_EXTRA_CA_CERTS"], "--resolve",
         f"example.com:{port}:127.0.0.1", f"https://example.com:{port}/healthz"],
        capture_output=True, text=True)
    assert refused.returncode == 35 and "unrecognized name" in refused.stderr


def test_other_hosts_are_reached_as_ever(daemon, environment):
    """Loopback stands for the rest of the world: the name does not end in one of AWS's domains."""
    port = daemon.port
    assert '"ok"' in run(environment, "curl", "-sS", f"http://localhost:{port}/healthz")
    out = run(environment, PYTHON, "-c",
              "import socket; print(socket.gethostbyname('localhost'))")
    assert out.strip() == "127.0.0.1"


def test_the_authority_and_the_port_stay_the_same(tmp_path):
    config = models_config.write(tmp_path)
    with served(arguments=["--config", config]) as daemon:
        before = transparent_environment(daemon)
        folder = daemon.data_dir / "transparent"
        key = folder / "ca-key.pem"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        authority = (folder / "ca.pem").read_text()
        bundle = pathlib.Path(before["AWS_CA_BUNDLE"]).read_text()
        assert bundle.endswith(authority) and bundle.count("BEGIN CERTIFICATE") > 1
        daemon.restart()
        after = transparent_environment(daemon)
        assert after["AGENTCORE_TRANSPARENT"] == before["AGENTCORE_TRANSPARENT"]
        assert (folder / "ca.pem").read_text() == authority
        assert pathlib.Path(after["AWS_CA_BUNDLE"]).read_text() == bundle, "not added twice"
        assert "PRIVATE" not in daemon.log_tail(1_000_000)


def test_it_can_be_off(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("transparent: {listen: 'off'}\n")
    with served(arguments=["--config", config]) as daemon:
        assert not (daemon.data_dir / "transparent").exists()
        done = subprocess.run([program("agentcore"), "env", "--transparent"],
                              env=daemon.command_environment(), capture_output=True, text=True)
        assert done.returncode == 4 and "transparent.listen" in done.stderr


def test_a_shell_reads_what_env_prints(daemon):
    line = (f'eval "$({program("agentcore")} env --transparent)" && '
            f'env -u AWS_ENDPOINT_URL {ROOT}/build/venv/bin/aws sts get-caller-identity '
            '--query Account --output text')
    environment = {**daemon.command_environment(), "BEDROCK_AGENTCORE_DP_ENDPOINT": "http://stale"}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "000000000000"), done.stderr
