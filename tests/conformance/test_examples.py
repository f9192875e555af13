"""The examples that no other test deploys: each as its first lines say, by the command line."""
import json
import pathlib
import shutil
import subprocess

import pytest

import agents
import images
from daemon import ROOT, program
from test_cli import Project
from test_web_socket import open_socket, signer  # noqa: F401

EXAMPLES = ROOT / "examples"
# The others: who deploys them.
ELSEWHERE = {"hello": "test_cli.py", "streaming": "test_cli.py", "mcp": "test_protocols.py",
             "a2a": "test_protocols.py", "ag_ui": "test_protocols.py", "runtime": "test_guide.py",
             "multi_agent": "test_guide.py", "memory": "test_guide.py", "identity": "test_guide.py"}


def project_of(daemon, folder):
    return Project(folder, daemon.command_environment())


@pytest.fixture
def project(daemon, tmp_path):
    """A copy of an example, or an empty folder; what it deploys is destroyed."""
    made = []

    def make(example=None):
        folder = tmp_path / (example or "project")
        shutil.copytree(EXAMPLES / example, folder) if example else folder.mkdir()
        made.append(project_of(daemon, folder))
        return made[-1]

    yield make
    for one in made:
        one.run("destroy", "--force")


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The example in C++, compiled as it says."""
    out = tmp_path_factory.mktemp("native") / "agent"
    compiler = shutil.which("g++") or shutil.which("clang++-19")
    subprocess.run([compiler, "-std=c++20", "-O0", EXAMPLES / "native/agent.cpp", "-o", out,
                    "-lboost_json"], check=True, timeout=300)
    return out


def test_an_agent_in_c_plus_plus_is_deployed_as_its_program_alone(project, native):
    folder = project()
    shutil.copy(native, folder.folder / "weather")
    folder.write({"weather.o": "what a build leaves", "requirements.txt": "no-such-package\n"})
    said = folder.text("configure", "-e", "weather", "--non-interactive")
    assert "a program of its own" in said
    assert "Packed 1 files" in folder.run("deploy").stderr
    first = json.loads(folder.text("invoke", "Hello", "-s", "session-native"))
    assert first == {"message": "You said: Hello", "turn": 1, "session": "session-native"}
    assert json.loads(folder.text("invoke", "Again", "-s", "session-native"))["turn"] == 2
    assert json.loads(folder.text("invoke", "Other", "-s", "another"))["turn"] == 1
    folder.run("invoke", '{"no": "prompt"}', code=5)
    # What is configured is found again.
    assert folder.document("configure", "list")["agents"][0]["entrypoint"] == "weather"
    assert "uploaded already" in folder.run("deploy").stderr


def test_a_folder_with_a_program_is_deployed_whole(project, tmp_path):
    """Its shared library comes from lib/ beside it."""
    folder = project()
    dist = folder.folder / "dist"
    (dist / "lib").mkdir(parents=True)
    (tmp_path / "word.c").write_text('const char *word(void) { return "from a library"; }\n')
    (tmp_path / "main.c").write_text(SMALLEST)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-19")
    subprocess.run([compiler, "-shared", "-fPIC", tmp_path / "word.c", "-o",
                    dist / "lib/libword.so"], check=True)
    subprocess.run([compiler, tmp_path / "main.c", "-o", dist / "main", f"-L{dist}/lib",
                    "-lword"], check=True)
    folder.run("configure", "-e", "dist", "-n", "with_library", "--non-interactive")
    assert "Packed 2 files" in folder.run("deploy").stderr
    assert folder.text("invoke", "Hello") == "from a library"


SMALLEST = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
const char *word(void);
int main(void) {
    int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16)) return 1;
    for (;;) {
        char in[65536], out[512];
        int caller = accept(listener, 0, 0);
        if (read(caller, in, sizeof in) > 0) {
            snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
                     "text/plain\r\nContent-Length: %zu\r\n\r\n%s", strlen(word()), word());
            if (write(caller, out, strlen(out)) < 0) return 1;
        }
        close(caller);
    }
}
"""


def test_a_program_for_another_processor_is_refused_by_name(project, native):
    folder = project()
    image = bytearray(native.read_bytes())
    image[18:20] = b"\xf3\x00"  # e_machine: RISC-V
    (folder.folder / "agent").write_bytes(image)
    folder.run("configure", "-e", "agent", "-n", "foreign", "--non-interactive")
    assert "is a program for" in folder.run("deploy", code=1).stderr


def test_an_agent_in_typescript(project):
    folder = project("node")
    folder.run("configure", "-e", "app.ts", "-n", "node_example", "--non-interactive")
    folder.run("deploy")
    answer = json.loads(folder.text("invoke", "Hello", "-s", "session-node"))
    assert answer == {"message": "You said: Hello", "turn": 1, "session": "session-node"}
    streamed = folder.text("invoke", json.dumps({"prompt": "one two", "stream": True}))
    assert streamed.split() == ["one", "two"] or streamed == "onetwo\n"


def test_an_agent_with_a_web_socket(project, daemon, signer):  # noqa: F811
    folder = project("web_socket")
    folder.run("configure", "-e", "agent.py", "-n", "web_socket_example", "--non-interactive")
    folder.run("deploy")
    arn = folder.document("status")["agent"]["agentRuntimeArn"]
    session = agents.session_id()
    url, headers = signer.generate_ws_connection(arn, session_id=session)
    with open_socket(daemon, url, headers) as talk:
        assert json.loads(talk.recv()) == {"session": session}
        talk.send("both ways at once")
        assert [talk.recv() for _ in range(4)] == ["BOTH", "WAYS", "AT", "ONCE"]


@pytest.fixture
def archive():
    return images.agent_layout()


def test_an_oci_layout_folder_is_deployed(project, archive, tmp_path):
    folder = project()
    (tmp_path / "image.tar").write_bytes(archive)
    shutil.unpack_archive(tmp_path / "image.tar", folder.folder / "layout")
    (folder.folder / "layout/.cache").write_text("no part of it")
    folder.write({"agent.py": ""})
    folder.run("configure", "-e", "agent.py", "-n", "from_layout", "--non-interactive")
    folder.run("deploy", "--image", "layout")
    assert json.loads(folder.text("invoke", "hi"))["greeting"] == "good day"
    assert "uploaded already" in folder.run("deploy", "--image", "layout").stderr
    (folder.folder / "layout/index.json").unlink()
    refused = folder.run("deploy", "--image", "layout", code=2)
    assert "is not an OCI layout" in refused.stderr


def test_a_docker_archive_is_deployed(project, archive, tmp_path):
    folder = project()
    (tmp_path / "image.tar").write_bytes(archive)
    saved = folder.folder / "saved.tar"
    subprocess.run(["skopeo", "--insecure-policy", "copy", f"oci-archive:{tmp_path}/image.tar",
                    f"docker-archive:{saved}:agent:latest"], check=True, capture_output=True)
    folder.write({"agent.py": ""})
    folder.run("configure", "-e", "agent.py", "-n", "from_docker", "--non-interactive")
    folder.run("deploy", "--image", "saved.tar")
    assert json.loads(folder.text("invoke", "hi"))["greeting"] == "good day"


def test_every_example_is_deployed_by_a_test():
    here = {"native", "node", "web_socket"}
    there = {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()}
    assert there == here | set(ELSEWHERE)
    tests = pathlib.Path(__file__).parent
    for name, file in ELSEWHERE.items():
        text = (tests / file).read_text()
        assert f'"{name}"' in text or f"{name}/" in text, (name, file)
