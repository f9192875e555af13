"""Agents in container images: from a registry (Debian's docker-registry, filled by skopeo), and
from archives in a bucket."""
import contextlib
import crypt
import http.server
import json
import socket
import subprocess
import threading

import pytest

import agents
import images
from conftest import served
from daemon import eventually, program


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "agent.tar"
    path.write_bytes(images.agent_layout())
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def registry(folder, users=None):
    """A running registry; its host:port. users: {name: password}."""
    port = free_port()
    config = {"version": 0.1, "log": {"level": "error", "accesslog": {"disabled": True}},
              "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
              "http": {"addr": f"127.0.0.1:{port}"}}
    if users:
        hashes = folder / "htpasswd"
        hashes.write_text("".join(
            f"{name}:{crypt.crypt(word, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n"
            for name, word in users.items()))
        config["auth"] = {"htpasswd": {"realm": "here", "path": str(hashes)}}
    path = folder / "registry.yaml"
    path.write_text(json.dumps(config))
    with open(folder / "registry.log", "wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", path], stdout=log, stderr=log)
    try:
        def answers():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
        assert eventually(answers, 20), (folder / "registry.log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def push(layout, name, *options):
    subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false",
                    *options, f"oci-archive:{layout}", f"docker://{name}"], check=True, timeout=120)


@contextlib.contextmanager
def daemon_with(folder, **settings):
    """A daemon that may reach registries on loopback."""
    path = folder / "agentcored.yaml"
    path.write_text(json.dumps({"outbound": {"allow": ["127.0.0.0/8"]}, **settings}))
    with served(arguments=["--config", path]) as running:
        yield running


def container(uri):
    return {"containerConfiguration": {"containerUri": uri}}


def failure(daemon, uri):
    found = agents.create(daemon, {}, agentRuntimeArtifact=container(uri)).wait()
    assert found["status"] == "CREATE_FAILED", found
    return found["failureReason"]


def check_answer(answer):
    assert answer["folder"] == "/app"
    assert answer["files"] == ["agent.py"]
    assert answer["environment"] == {"COLOUR": "blue", "GIVEN": "runtime", "HOME": "/work"}
    assert answer["greeting"] == "good day"
    assert answer["asked"] == {"prompt": "hi"}
    assert answer["user"] != 0
    assert answer["writes"] == {"/tmp": True, "/work": True, "/app": False, "/": False}


def test_an_image_of_a_registry_runs(layout, tmp_path):
    with registry(tmp_path) as host, daemon_with(tmp_path) as daemon:
        push(layout, f"{host}/team/agent:v1")
        runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(f"{host}/team/agent:v1"),
                                environmentVariables={"GIVEN": "runtime"})
        check_answer(runtime.invoke({"prompt": "hi"}))
        got = runtime.get()
        assert got["agentRuntimeArtifact"] == container(f"{host}/team/agent:v1")
        again = agents.deploy(daemon, {}, agentRuntimeArtifact=container(f"{host}/team/agent:v1"),
                              environmentVariables={"GIVEN": "runtime"})
        check_answer(again.invoke({"prompt": "hi"}))
        assert "404" in failure(daemon, f"{host}/team/agent:v2")
        daemon.kill9()
        daemon.start()
        check_answer(agents.Runtime(daemon, {"agentRuntimeId": runtime.id,
                                             "agentRuntimeArn": runtime.arn}
                                    ).invoke({"prompt": "hi"}))
        kept = daemon.data_dir / "images"
        assert len([path for path in kept.iterdir() if path.name != "tmp"]) == 1
        control = daemon.client("bedrock-agentcore-control")
        for one in (runtime, again):
            control.delete_agent_runtime(agentRuntimeId=one.id)
        assert eventually(lambda: [one["status"] for one in control.list_agent_runtimes()[
            "agentRuntimes"]] == ["CREATE_FAILED"], 20)
        daemon.kill9()
        daemon.start()
        assert eventually(lambda: [p.name for p in kept.rglob("*")] == ["tmp"], 10)


def test_a_registry_that_wants_credentials_gets_them(layout, tmp_path):
    key = tmp_path / "registry.key"
    key.write_text("s3cret-word\n")
    key.chmod(0o600)
    with registry(tmp_path, {"robot": "s3cret-word"}) as host:
        push(layout, f"{host}/agent", "--dest-creds", "robot:s3cret-word")
        with daemon_with(tmp_path) as daemon:
            assert f"registries.{host}" in failure(daemon, f"{host}/agent")
        own = {host: {"user": "robot", "password": f"file:{key}"}}
        with daemon_with(tmp_path, registries=own) as daemon:
            runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(f"{host}/agent"),
                                    environmentVariables={"GIVEN": "runtime"})
            check_answer(runtime.invoke({"prompt": "hi"}))
            assert "s3cret-word" not in daemon.log_path.read_text()


def test_archives_in_a_bucket_run(daemon, layout, tmp_path):
    saved = tmp_path / "saved.tar"
    subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", f"oci-archive:{layout}",
                    f"docker-archive:{saved}:agent:v1"], check=True, timeout=120)
    for number, path in enumerate((layout, saved)):
        agents.upload(daemon, path.read_bytes(), key=f"image-{number}.tar")
        runtime = agents.deploy(
            daemon, {}, agentRuntimeArtifact=container(f"s3://{agents.BUCKET}/image-{number}.tar"),
            environmentVariables={"GIVEN": "runtime"})
        check_answer(runtime.invoke({"prompt": "hi"}))


def test_the_cli_deploys_an_image(daemon, layout, tmp_path):
    (tmp_path / "agent.py").write_text("# the image has the agent\n")

    def agentcore(*arguments):
        ran = subprocess.run([program("agentcore"), *arguments], cwd=tmp_path, timeout=120,
                             env=daemon.command_environment(), capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    agentcore("configure", "-e", "agent.py", "-n", "imaged", "--non-interactive")
    said = agentcore("deploy", "--image", str(layout), "-env", "GIVEN=runtime")
    assert "Uploaded to s3://" in said and "Deployed imaged" in said
    check_answer(json.loads(agentcore("invoke", '{"prompt": "hi"}').splitlines()[0]))
    assert "uploaded already" in agentcore("deploy", "--image", str(layout))
    agentcore("destroy", "--force")


@pytest.mark.parametrize("archive, said", [
    (images.layout([images.tar_of({"a": b""})], architecture="s390x", Cmd=["a"]),
     "made for linux/s390x"),
    (images.layout([images.tar_of({"a": b""})]), "no command"),
    (images.layout([images.tar_of({"../evil": b""})], Cmd=["a"]), "climbs"),
    (images.tar_of({"readme": b"no image"}), "holds no image"),
    (b"this is no archive", "cannot be read"),
], ids=["processor", "command", "climbs", "none", "garbage"])
def test_what_is_no_image_fails_with_the_reason(daemon, archive, said):
    agents.upload(daemon, archive, key="bad.tar")
    assert said in failure(daemon, f"s3://{agents.BUCKET}/bad.tar")


def test_a_container_that_does_not_listen_says_so(daemon):
    archive = images.layout([images.python_layer()], Entrypoint=["python3", "-c", "print('bye')"])
    agents.upload(daemon, archive, key="quiet.tar")
    runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/quiet.tar"))
    with pytest.raises(runtime.data.exceptions.RuntimeClientError, match="bye"):
        runtime.invoke({"prompt": "hi"})


def test_a_registry_that_lies_is_found_out(tmp_path):
    blob = b"not what was asked for"

    class Liar(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            digest = "sha256:" + "0" * 64
            part = {"mediaType": "x", "digest": digest, "size": len(blob)}
            body = blob if "/blobs/" in self.path else json.dumps(
                {"schemaVersion": 2, "config": part, "layers": [part]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_address[1]}"
    try:
        with daemon_with(tmp_path) as daemon:
            assert "is not that" in failure(daemon, f"{host}/a")
            assert f"is not sha256:{'1' * 64}" in failure(daemon, f"{host}/a@sha256:{'1' * 64}")
        with served() as guarded:
            assert "is not a public one" in failure(guarded, f"{host}/a")
    finally:
        server.shutdown()
        server.server_close()
