"""Agents in container images: from a registry (Debian's docker-registry, filled by skopeo), and
from archives in a bucket."""
import contextlib
import crypt
import http.server
import io
import json
import os
import socket
import subprocess
import tarfile
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
    assert answer["user"] == [1234, 99]
    assert answer["writes"] == {"/tmp": True, "/work": True, "/app": True, "/": True,
                                "/etc": True, "/proc/sys": False, "/dev": False}


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
        assert eventually(lambda: os.listdir(kept) == ["tmp"] and not os.listdir(kept / "tmp"), 10)


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


@pytest.mark.parametrize("user, ids", [
    ("", [0, 0]), ("0", [0, 0]), ("agent:agents", [1234, 77]), ("4321", [4321, 0]),
    ("5:6", [5, 6])])
def test_the_images_user_is_who_its_agent_is(daemon, user, ids):
    agents.upload(daemon, images.agent_layout(User=user), key="user.tar")
    runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/user.tar"))
    answer = runtime.invoke({"prompt": "hi"})
    assert answer["user"] == ids
    assert answer["writes"]["/app"] and not answer["writes"]["/proc/sys"]
    runtime.delete()


def test_what_a_session_writes_into_the_image_is_its_own(daemon, layout):
    agents.upload(daemon, layout.read_bytes(), key="own.tar")
    runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/own.tar"))
    first = agents.session_id()
    answer = runtime.invoke({"change": "/etc/settings"}, first)
    assert answer["changed"] == ["as built", "as builtmore", False]
    with pytest.raises(runtime.data.exceptions.RuntimeClientError):
        runtime.invoke({"change": "/etc/settings"}, first)  # it is gone there
    again = runtime.invoke({"change": "/etc/settings"}, agents.session_id())
    assert again["changed"][0] == "as built"
    runtime.stop(first)
    assert runtime.invoke({"change": "/etc/settings"}, first)["changed"][0] == "as built"


FILLER = """
import http.server, json
class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = "ok"
        try:
            with open("/opt-fill", "wb", buffering=0) as file:
                for _ in range(3000): file.write(b"x" * (1 << 20))
        except OSError as error: said = error.strerror
        import os; os.unlink("/opt-fill")
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(said).encode())
http.server.HTTPServer(("", 8080), Agent).serve_forever()
"""


def test_an_image_is_filled_up_to_a_bound(daemon):
    agents.upload(daemon, images.layout([images.python_layer(), images.tar_of(
        {"fill.py": FILLER.encode()})], Entrypoint=["python3", "/fill.py"]), key="fill.tar")
    runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/fill.tar"))
    assert json.loads(runtime.invoke({})) == "No space left on device"


@pytest.mark.parametrize("script, said", [
    ("import time; print('busy with other things', flush=True); time.sleep(600)",
     ["did not listen on port 8080", "within 4 s", "busy with other things"]),
    ("import socket,time; s=socket.create_server(('', 3000)); time.sleep(600)",
     ["did not listen on port 8080", "it listens on port 3000"]),
    ("import socket,time; time.sleep(8); s=socket.create_server(('', 8080)); time.sleep(600)",
     ["did not listen on port 8080", "within 4 s"]),
    ("print('no time for that'); raise SystemExit(3)", ["exit", "3", "no time for that"]),
], ids=["never", "elsewhere", "late", "ends"])
def test_a_container_that_does_not_listen_in_time_is_told_apart(impatient, script, said):
    agents.upload(impatient, images.layout([images.python_layer()], Entrypoint=[
        "python3", "-c", script]), key="silent.tar")
    runtime = agents.deploy(impatient, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/silent.tar"))
    with pytest.raises(runtime.data.exceptions.RuntimeClientError) as refused:
        runtime.invoke({"prompt": "hi"})
    for words in said:
        assert words in refused.value.response["Error"]["Message"]


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("impatient")
    with daemon_with(folder, runtime={"init_seconds_max": 4}) as running:
        yield running


def hostile(*members):
    """A layer of tar headers as no tool writes them, on top of an image that runs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, target, 0o6777
            info.devmajor = info.devminor = 1
            tar.addfile(info, io.BytesIO())
    return out.getvalue()


LOOK = """
import http.server, json, os, stat
class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        def look(path):
            try: found = os.lstat(path)
            except OSError: return None
            return [stat.filemode(found.st_mode), found.st_uid]
        body = json.dumps({path: look(path) for path in asked}).encode()
        self.send_response(200); self.send_header("Content-Type", "application/json")
        self.end_headers(); self.wfile.write(body)
http.server.HTTPServer(("", 8080), Agent).serve_forever()
"""


def test_what_a_layer_must_not_bring_is_not_there(daemon):
    bad = hostile(("null", tarfile.CHRTYPE, ""), ("disk", tarfile.BLKTYPE, ""),
                  ("pipe", tarfile.FIFOTYPE, ""), ("root", tarfile.REGTYPE, ""),
                  ("out", tarfile.SYMTYPE, "../../../../etc/shadow"))
    agents.upload(daemon, images.layout([images.python_layer(), images.tar_of(
        {"look.py": LOOK.encode()}), bad], Entrypoint=["python3", "/look.py"]), key="odd.tar")
    runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=container(
        f"s3://{agents.BUCKET}/odd.tar"))
    found = runtime.invoke(json.dumps(["/null", "/disk", "/pipe", "/root", "/out", "/etc/shadow"]),
                           contentType="application/json")
    assert found["/null"] is found["/disk"] is found["/pipe"] is None
    assert "s" not in found["/root"][0].lower() and found["/root"][1] == 0
    assert found["/out"][0].startswith("l") and found["/etc/shadow"] is None


@pytest.mark.parametrize("layer, said", [
    (hostile(("a/../../evil", tarfile.REGTYPE, "")), "climbs"),
    (hostile(("shadow", tarfile.LNKTYPE, "../../../../../etc/shadow")), "climbs"),
    (hostile(("shadow", tarfile.LNKTYPE, "/no/such/file")), "refused"),
    (hostile(*[("/".join("d" * n), tarfile.DIRTYPE, "") for n in (200,)]), "too deep"),
    (hostile(("n" * 300, tarfile.REGTYPE, "")), "too long a name"),
], ids=["climbing", "hard-link-out", "hard-link-nowhere", "deep", "long"])
def test_hostile_layers_are_refused_by_name(daemon, layer, said):
    agents.upload(daemon, images.layout([layer], Cmd=["a"]), key="hostile.tar")
    assert said in failure(daemon, f"s3://{agents.BUCKET}/hostile.tar")


def test_a_layer_bomb_is_stopped_at_the_bound(daemon):
    huge = tarfile.TarInfo("bomb")
    huge.size = 11 << 30  # a header that promises more than an image may have
    header = huge.tobuf()
    agents.upload(daemon, images.layout([header + bytes(1024)], Cmd=["a"]), key="bomb.tar")
    said = failure(daemon, f"s3://{agents.BUCKET}/bomb.tar")
    assert "unpacks to more than 10240 MB" in said
    scratch = daemon.data_dir / "images" / "tmp"
    assert eventually(lambda: not list(scratch.iterdir()), 10)


@pytest.mark.parametrize("config, said", [
    ({"Cmd": ["a"], "User": "no-such-user"}, "no-such-user is not in its /etc/passwd"),
    ({"Cmd": ["a"], "User": "4294967295"}, "out of range"),
    ({"Cmd": "a"}, "a Cmd that is no list of texts"),
    ({"Cmd": ["a"], "Env": ["=x"] * 100_000}, "a Env that is no list of texts"),
    ({"Cmd": [1, 2]}, "a Cmd with a member that is no text"),
    ({"Cmd": [""]}, "says no command"),
], ids=["user", "uid", "text", "environment", "numbers", "empty"])
def test_absurd_configurations_are_refused(daemon, config, said):
    agents.upload(daemon, images.layout([images.tar_of({"a": b""})], **config), key="absurd.tar")
    assert said in failure(daemon, f"s3://{agents.BUCKET}/absurd.tar")


def test_digests_and_sizes_that_lie_are_found_out_in_archives(daemon):
    good = images.layout([images.tar_of({"a": b""})], Cmd=["a"])
    for changed, said in ((lambda m: m["layers"][0].update(size=1), "says to have 1"),
                          (lambda m: m["layers"][0].update(digest="sha256:" + "0" * 64), "000"),
                          (lambda m: m["config"].update(size=10 ** 12), "impossible size")):
        agents.upload(daemon, images.with_manifest(good, changed), key="lying.tar")
        assert said in failure(daemon, f"s3://{agents.BUCKET}/lying.tar")


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
