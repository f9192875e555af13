"""Where secrets must not be: the data folder, the logs and the memory of the daemon; and what a
kill in the middle of a refresh must not lose."""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import sqlite3
import subprocess
import time
import uuid

import boto3
import jwt
import pytest

import issuer
from conftest import served
from daemon import REGION, Daemon, eventually, program
from oauth_server import OauthServer
from test_identity import RETURN_URL, ask, connect, token_of

PLANTED = 1000


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text('outbound: {allow: ["127.0.0.1/32"]}\n'
                    "identity: {credentials_max: 2000}\nlog: {level: debug}\n")
    return path


def dump_of(pid):
    """What a core dump would hold: every readable mapping but those marked to be left out."""
    with open(f"/proc/{pid}/smaps") as smaps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps.read()):
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)(.*)", block)
            flags = re.search(r"VmFlags:(.*)", block)
            if not head or "r" not in head[3] or "[v" in head[4]:
                continue
            if flags and " dd" in flags[1]:
                continue
            begin, end = int(head[1], 16), int(head[2], 16)
            for at in range(begin, end, 1 << 24):
                memory.seek(at)
                try:
                    yield memory.read(min(1 << 24, end - at))
                except OSError:
                    break


def is_sanitized(pid):
    with open(f"/proc/{pid}/exe", "rb") as program:
        text = program.read()
    return b"__asan_init" in text or b"__tsan_init" in text


def found_in(text, pattern):
    return sorted(set(pattern.findall(text)))


def test_planted_secrets_are_nowhere(config):
    """1 000 secrets: API keys, client secrets, tokens; made, read, changed; then looked for."""
    server = OauthServer()
    with served(arguments=["--config", config]) as daemon:
        control = daemon.client("bedrock-agentcore-control")
        data = daemon.client("bedrock-agentcore")
        control.create_workload_identity(
            name="agent", allowedResourceOauth2ReturnUrls=[RETURN_URL])
        token = token_of(data, "agent", "kim")
        mark = "planted" + uuid.uuid4().hex[:8]
        pattern = re.compile((mark + r"[0-9]{4}").encode())

        def plant(i):
            secret = f"{mark}{i:04}" + "/escaped\"\\\n" * (i % 3) + "x" * (i * 7 % 3000)
            name = f"key{i}"
            control.create_api_key_credential_provider(name=name, apiKey=secret)
            got = data.get_resource_api_key(
                workloadIdentityToken=token, resourceCredentialProviderName=name)
            assert got["apiKey"] == secret

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(plant, range(PLANTED)))
        provider = control.create_oauth2_credential_provider(
            name="as", credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput=server.provider_config())
        connect(data, server, "agent", "kim", provider)
        ask(data, token, provider, oauth2Flow="M2M")
        others = re.compile(b"planted-client-secret|refresh-kim-|access-kim-|access-client-")

        for folder, _, files in os.walk(daemon.folder):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    text = file.read()
                assert not found_in(text, pattern), path
                assert not found_in(text, others), path
        if is_sanitized(daemon.pid):
            return  # the sanitizers' allocator takes the place of the one that overwrites
        for block in dump_of(daemon.pid):
            assert not found_in(block, pattern)
            assert not found_in(block, others)
    server.close()


SEALED = {"identity_secrets": "sealed", "access_keys": "secret", "access_settings": "value",
          "issuer_keys": "sealed", "issuer_clients": "secret_sealed"}


def wrapping_keys(daemon):
    """The ids of the keys under which anything is sealed (docs/formats/vault.md)."""
    found = set()
    path = f"file:{daemon.data_dir}/agentcored.sqlite?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as database:
        for table, column in SEALED.items():
            rows = database.execute(f"SELECT {column} FROM {table}").fetchall()
            assert rows, table
            found |= {row[0][2:2 + row[0][1]].decode() for row in rows}
    return found


def test_one_rotation_reaches_everything_that_is_sealed(tmp_path):
    """Afterwards the old key is needed for nothing."""
    config = tmp_path / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", config]) as daemon:
        control = daemon.client("bedrock-agentcore-control")
        control.create_workload_identity(name="agent")
        control.create_api_key_credential_provider(name="key", apiKey="sealed")
        iam = daemon.client("iam")
        iam.create_user(UserName="kim")
        key = iam.create_access_key(UserName="kim")["AccessKey"]
        client = issuer.machine_client(daemon)
        token = issuer.token_of(daemon, client)["access_token"]
        file = daemon.data_dir / "vault-keys.json"
        old = json.loads(file.read_text())["keys"][0]["id"]
        assert wrapping_keys(daemon) == {old}
        subprocess.run([program("agentcore"), "identity", "rotate-key"], check=True, timeout=60,
                       env=daemon.command_environment(), stdin=subprocess.DEVNULL)
        ring = json.loads(file.read_text())
        new = ring["keys"][-1]["id"]
        assert new != old
        assert eventually(lambda: wrapping_keys(daemon) == {new}, 30)

        assert daemon.stop() == 0
        ring["keys"] = ring["keys"][-1:]
        file.write_text(json.dumps(ring))
        daemon.start()
        data = daemon.client("bedrock-agentcore")
        workload = data.get_workload_access_token(workloadName="agent")["workloadAccessToken"]
        assert data.get_resource_api_key(workloadIdentityToken=workload,
                                         resourceCredentialProviderName="key")["apiKey"] == "sealed"
        kims = boto3.client("sts", endpoint_url=daemon.endpoint, region_name=REGION,
                            aws_access_key_id=key["AccessKeyId"],
                            aws_secret_access_key=key["SecretAccessKey"])
        assert kims.get_caller_identity()["Arn"].endswith("user/kim")
        renewed = issuer.token_of(daemon, client)["access_token"]
        kid = lambda text: jwt.get_unverified_header(text)["kid"]  # noqa: E731
        assert kid(renewed) == kid(token)


def test_core_dumps_are_forbidden():
    with served() as daemon:
        limits = open(f"/proc/{daemon.pid}/limits").read()
        assert re.search(r"Max core file size\s+0\s+0", limits)
        assert b"AGENTCORED_VAULT_SECRET" not in open(f"/proc/{daemon.pid}/environ", "rb").read()


def test_the_vaults_secret_leaves_the_environment(tmp_path):
    secret = "vault-secret-" + uuid.uuid4().hex
    with served(environment={"AGENTCORED_VAULT_SECRET": secret}) as daemon:
        assert not (daemon.data_dir / "vault-keys.json").exists()
        for pid in [daemon.pid, *daemon.descendants()]:
            assert secret.encode() not in open(f"/proc/{pid}/environ", "rb").read()


def test_a_kill_in_the_middle_of_a_refresh_loses_no_grant(config, pytestconfig):
    """The daemon is killed at random moments while it trades refresh tokens in."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    server = OauthServer()
    server.life = 1
    daemon = Daemon(arguments=["--config", config])
    try:
        daemon.start()
        control = daemon.client("bedrock-agentcore-control")
        control.create_workload_identity(
            name="agent", allowedResourceOauth2ReturnUrls=[RETURN_URL])
        made = control.create_oauth2_credential_provider(
            name="as", credentialProviderVendor="CustomOauth2",
            oauth2ProviderConfigInput=server.provider_config(discovery=False))
        # Tokens that live for a second are stale at once: every call refreshes.
        connect(daemon.client("bedrock-agentcore"), server, "agent", "kim", made)
        kills = pytestconfig.getoption("--identity-kills")
        for i in range(kills):
            data = daemon.client("bedrock-agentcore")
            token = token_of(data, "agent", "kim")
            server.delay = 0.005
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                asked = pool.submit(lambda: ask(data, token, made))
                time.sleep(chance.random() * 0.03)
                daemon.kill9()
                asked.exception()
            server.delay = 0
            daemon.start()
            data = daemon.client("bedrock-agentcore")
            got = ask(data, token_of(data, "agent", "kim"), made)
            assert "accessToken" in got, f"kill {i} of seed {seed} lost the grant: {got}"
            assert server.issued[got["accessToken"]] == "kim"
        assert server.refreshes >= kills
    finally:
        daemon.remove()
        server.close()

