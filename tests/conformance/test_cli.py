"""Our own command line as users have it: the guide's commands, in a folder with an agent."""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

import agents
from daemon import ROOT, eventually, is_alive, program

AGENTCORE = program("agentcore")


class Project:
    """A folder with an agent, and the CLI run in it."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment

    def run(self, *arguments, code=0, stdin=None):
        done = subprocess.run(
            [AGENTCORE, *map(str, arguments)], cwd=self.folder, env=self.environment, text=True,
            capture_output=True, input=stdin if stdin is not None else "", timeout=300)
        assert done.returncode == code, done.stderr + done.stdout
        return done

    def text(self, *arguments, **settings):
        return self.run(*arguments, **settings).stdout

    def document(self, *arguments, **settings):
        return json.loads(self.run(*arguments, "--json", **settings).stdout)

    def write(self, files):
        for name, content in files.items():
            (self.folder / name).write_text(content)


@pytest.fixture
def project(daemon, tmp_path):
    def make(files, name):
        folder = tmp_path / name
        folder.mkdir()
        made = Project(folder, daemon.command_environment())
        made.write(files)
        return made
    return make


@pytest.fixture
def puppet_project(project):
    made = project(agents.PUPPET_FILES, "puppet-cli")
    made.run("configure", "-e", "agent.py", "--non-interactive")
    made.run("deploy", "-auc")
    yield made
    made.run("destroy", "--force")


def test_the_guides_commands(project):
    hello = project({}, "hello")
    for name in ("agent.py", "requirements.txt"):
        shutil.copy(ROOT / "examples/hello" / name, hello.folder)
    hello.run("configure", "-e", "agent.py", "-n", "cli_hello")
    assert "READY" in hello.run("deploy").stderr
    assert hello.text("invoke", '{"prompt": "Hello"}') == \
        "You said: Hello (call 1 of this session)\n"
    assert "call 2" in hello.text("invoke", "Hello"), "the session is kept"
    assert "call 1" in hello.text("invoke", "Hello", "--session-id", "session-123")
    assert hello.document("status")["agent"]["status"] == "READY"
    running = {item["sessionId"] for item in hello.document("sessions")["sessions"]}
    assert "session-123" in running
    assert "call 1 of session session-123" in hello.text("logs", "--session-id", "session-123")
    hello.run("stop-session", "--session-id", "session-123")
    running = {item["sessionId"] for item in hello.document("sessions")["sessions"]}
    assert "session-123" not in running
    hello.run("destroy", "--force")
    assert hello.document("status")["agent"] is None
    hello.run("invoke", "Hello", code=4)


def test_a_stream_arrives_word_by_word(project):
    streaming = project({}, "streaming")
    for name in ("agent.py", "requirements.txt"):
        shutil.copy(ROOT / "examples/streaming" / name, streaming.folder)
    streaming.run("configure", "-e", "agent.py", "-n", "cli_streaming")
    streaming.run("deploy")
    with subprocess.Popen(
            [AGENTCORE, "invoke", "tea"], cwd=streaming.folder, env=streaming.environment,
            stdout=subprocess.PIPE) as running:
        arrivals = []
        while piece := os.read(running.stdout.fileno(), 65536):
            arrivals.append((time.monotonic(), piece))
        assert running.wait() == 0
    assert b"".join(piece for _, piece in arrivals).startswith(b"You asked for 'tea' ")
    assert len(arrivals) > 5
    assert arrivals[-1][0] - arrivals[0][0] > 1, "the agent takes 0.2 s a word"
    streaming.run("destroy", "--force")


def test_bash_completes_commands_and_options(project, tmp_path):
    script = project({}, "completed").text("completion", "bash")
    def completed(*words):
        lines = (f"{script}\nCOMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}\n"
                 "_agentcore\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n")
        done = subprocess.run(["bash", "-c", lines], cwd=tmp_path, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()
    assert completed("agentcore", "dep") == ["deploy"]
    assert "--session-id" in completed("agentcore", "invoke", "--se")
    assert {"list", "show"} <= set(completed("agentcore", "memory", "''"))
    assert completed("agentcore", "memory", "list", "--js") == ["--json"]


def test_exec_runs_a_command_in_the_session(puppet_project):
    puppet_project.run("invoke", '{"do": "write", "path": "/work/x", "text": "agents"}')
    done = puppet_project.run("exec", "--", "cat /work/x; echo oops >&2; exit 3", code=3)
    assert (done.stdout, done.stderr) == ("agents", "oops\n")
    assert puppet_project.text("exec", "--", "echo", "a", "-n", "b") == "a -n b\n"
    slow = puppet_project.run("exec", "--json", "--timeout", 1, "--", "echo y; sleep 99", code=124)
    document = json.loads(slow.stdout)
    assert (document["stdout"], document["timedOut"]) == ("y\n", True)
    assert puppet_project.run("exec", "-s", "elsewhere", "--", "ls /work").stdout == ""


def test_a_new_version_replaces_the_old(puppet_project):
    before = puppet_project.document("status")["agent"]["agentRuntimeVersion"]
    puppet_project.write({"notes.txt": "changed"})
    deployed = puppet_project.document("deploy", "--env", "COLOUR=green")
    assert int(deployed["agentRuntimeVersion"]) == int(before) + 1
    answer = puppet_project.document("invoke", '{"do": "echo", "text": "x"}')
    assert answer["response"]["echo"]["text"] == "x"


def test_what_goes_wrong_has_an_exit_code_and_a_next_step(project, daemon):
    empty = project({}, "empty")
    assert "agentcore configure" in empty.run("deploy", code=4).stderr
    broken = project({"agent.py": "", "requirements.txt": "no-such-package-zzz==9\n"}, "broken")
    broken.run("configure", "-e", "agent.py", "-n", "cli_broken")
    assert "no-such-package-zzz" in broken.run("deploy", code=1).stderr
    assert "no-such-package-zzz" in broken.text("logs", "--build")
    broken.run("destroy", "--force")
    broken.environment = {**broken.environment, "AGENTCORE_ENDPOINT": "http://127.0.0.1:1"}
    broken.run("deploy", code=3)


def test_env_is_what_other_clients_need(project, daemon):
    here = project({}, "env")
    script = f'eval "$({AGENTCORE} env)"; env'
    lines = subprocess.run(
        ["sh", "-c", script], cwd=here.folder, text=True, capture_output=True, check=True,
        env={k: v for k, v in here.environment.items() if not k.startswith("AWS_")}).stdout
    seen = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
    assert seen["AWS_ENDPOINT_URL"] == daemon.endpoint
    assert seen["AWS_SECRET_ACCESS_KEY"] == daemon.env["AWS_SECRET_ACCESS_KEY"]


def test_doctor_finds_a_host_that_can_isolate(project):
    here = project(agents.PUPPET_FILES, "doctor")
    here.run("configure", "-e", "agent.py")
    report = here.document("doctor")
    assert report["ok"], report
    assert {"host", "isolation", "daemon", "project"} == {c["group"] for c in report["checks"]}


def test_it_starts_a_daemon_when_none_runs_and_stops_it(tmp_path):
    folder = tmp_path / "local"
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("AWS_", "AGENTCORE_"))}
    environment["AGENTCORE_DATA_DIR"] = str(tmp_path / "data")
    local = Project(folder, environment)
    local.write(agents.PUPPET_FILES)
    local.run("daemon", "status", code=3)
    try:
        local.run("configure", "-e", "agent.py", "-n", "local")
        assert "Started the local daemon" in local.run("deploy").stderr
        found = local.document("daemon", "status")
        assert is_alive(found["pid"])
        again = local.run("invoke", '{"do": "echo", "text": "x"}')
        assert "Started" not in again.stderr
        mode = pathlib.Path(environment["AGENTCORE_DATA_DIR"], "daemon.json").stat().st_mode
        assert mode & 0o077 == 0
        with subprocess.Popen([AGENTCORE, "logs", "-f"], cwd=folder, env=environment,
                              stdout=subprocess.DEVNULL) as reader:
            time.sleep(0.5)
            reader.terminate()
    finally:
        begun = time.monotonic()
        local.run("daemon", "stop")
        assert time.monotonic() - begun < 20, "a reader that has left holds nothing up"
    assert not is_alive(found["pid"])
    local.run("daemon", "status", code=3)


def test_logs_follow_sessions_that_begin_later(puppet_project):
    puppet_project.run("invoke", '{"do": "say", "text": "before"}', "--session-id", "one")
    with subprocess.Popen([AGENTCORE, "logs", "-f", "--json"], cwd=puppet_project.folder,
                          env=puppet_project.environment, stdout=subprocess.PIPE,
                          text=True) as following:
        lines = []
        reader = threading.Thread(
            target=lambda: lines.extend(map(json.loads, following.stdout)), daemon=True)
        reader.start()
        try:
            for session in ("two", "three"):
                puppet_project.run("invoke", f'{{"do": "say", "text": "in {session}"}}',
                                   "--session-id", session)
                assert eventually(lambda: (session, f"in {session}") in
                                  [(line["session"], line["line"]) for line in lines])
        finally:
            following.terminate()
            reader.join(10)


def test_sessions_are_listed_and_stopped(puppet_project):
    for session in ("one", "two", "three"):
        puppet_project.run("invoke", '{"do": "echo"}', "--session-id", session)

    def running():
        document = puppet_project.document("sessions", "list")
        return {item["sessionId"] for item in document["sessions"]}
    assert running() == {"one", "two", "three"}
    assert puppet_project.document("sessions", "stop", "one")["stopped"] == ["one"]
    assert running() == {"two", "three"}
    assert "one" in puppet_project.run("sessions", "stop", "one", "two", code=4).stderr
    assert running() == {"three"}
    puppet_project.run("sessions", "stop", "three", "--all", code=2)
    assert "three" in puppet_project.text("sessions", "stop", "--all")
    assert running() == set()
    assert puppet_project.text("sessions", "stop", "--all") == "No session runs.\n"


def test_man_pages_are_what_man_reads(tmp_path):
    subprocess.run([AGENTCORE, "man", "--dir", tmp_path / "man1"], check=True)
    pages = {page.stem for page in (tmp_path / "man1").iterdir()}
    assert {"agentcore", "agentcore-invoke", "agentcore-memory-list"} <= pages
    for page in (tmp_path / "man1").iterdir():
        shown = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z", page],
                               capture_output=True, text=True)
        assert (shown.returncode, shown.stderr) == (0, ""), page
    printed = subprocess.run([AGENTCORE, "man", "invoke"], capture_output=True, text=True)
    assert printed.stdout == (tmp_path / "man1/agentcore-invoke.1").read_text()
    # Beside the program, where man looks for what PATH has.
    assert (AGENTCORE.resolve().parent.parent / "share/man/man1/agentcore.1").is_file()
