"""`agentcore code`: run and repl against the real daemon."""
import json
import os
import subprocess

import pytest

from daemon import program


@pytest.fixture
def code(daemon, tmp_path):
    """code(*arguments, stdin=""): what `agentcore code` did, in a folder of its own."""
    def run(*arguments, stdin=""):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env |= daemon.env | {"AGENTCORE_ENDPOINT": daemon.endpoint, "NO_COLOR": "1"}
        return subprocess.run([program("agentcore"), "code", *arguments], env=env, text=True,
                              input=stdin, capture_output=True, cwd=tmp_path, timeout=60)
    return run


def test_run_prints_what_the_code_prints(code):
    ran = code("run", "-c", "print('hello')\n6 * 7")
    assert (ran.returncode, ran.stdout) == (0, "hello\n42\n"), ran.stderr
    slow = code("run", "-c", "import time\nprint('a')\ntime.sleep(1.5)\nprint('b')")
    assert (slow.returncode, slow.stdout) == (0, "a\nb\n")


def test_run_takes_files_and_brings_files(code, tmp_path):
    (tmp_path / "data.txt").write_text("seven")
    (tmp_path / "job.py").write_text("open('out.bin', 'wb').write(bytes(range(256)))\n"
                                     "print(open('data.txt').read())")
    ran = code("run", "job.py", "-u", "data.txt", "-d", "out.bin")
    assert (ran.returncode, ran.stdout) == (0, "seven\n"), ran.stderr
    assert (tmp_path / "out.bin").read_bytes() == bytes(range(256))
    (tmp_path / "job.ts").write_text("const n: number = 4; console.log(n)")
    assert code("run", "job.ts").stdout == "4\n"


def test_run_fails_as_its_code_does(code):
    ran = code("run", "-c", "1 / 0")
    assert ran.returncode == 1 and "ZeroDivisionError" in ran.stderr and ran.stdout == ""
    assert code("run").returncode == 2
    assert code("run", "nosuch.py").returncode == 4


def test_run_answers_json(code):
    ran = code("run", "-c", "'x'", "--json")
    assert json.loads(ran.stdout)["structuredContent"]["stdout"] == "'x'"


def test_repl_keeps_state(code):
    ran = code("repl", stdin="x = 20\nfor i in range(2):\n    print(i)\n\nx + 1\n")
    assert (ran.returncode, ran.stdout) == (0, "0\n1\n21\n"), ran.stderr


def test_a_session_that_is_kept_goes_on(code):
    first = code("run", "-c", "x = 20", "-k")
    assert first.returncode == 0 and first.stderr.startswith("Session "), first.stderr
    session = first.stderr.split()[1]
    again = code("run", "-c", "x + 1", "-s", session)
    assert (again.returncode, again.stdout) == (0, "21\n"), again.stderr
    line = code("repl", "-s", session, stdin="x += 2\nx\n")
    assert (line.returncode, line.stdout) == (0, "22\n"), line.stderr
    # Who has not started a session does not end it.
    forked = code("fork", session, "-n", "2")
    assert forked.returncode == 0, forked.stderr
    made = forked.stdout.split()
    assert len(set(made)) == 2
    for one in (session, *made):
        assert code("run", "-c", "x", "-s", one).stdout == "22\n"


def test_a_session_that_is_not_kept_ends(code, daemon):
    shown = code("run", "-c", "print(open('/proc/uptime').read())", "-k").stderr.split()[1]
    client = daemon.client("bedrock-agentcore")
    where = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1", "maxResults": 100}
    before = {item["sessionId"] for item in
              client.list_code_interpreter_sessions(**where, status="READY")["items"]}
    assert shown in before
    assert code("run", "-c", "1").returncode == 0
    assert code("repl", stdin="1\n").returncode == 0
    after = {item["sessionId"] for item in
             client.list_code_interpreter_sessions(**where, status="READY")["items"]}
    assert after <= before
    client.stop_code_interpreter_session(
        codeInterpreterIdentifier="aws.codeinterpreter.v1", sessionId=shown)
    gone = code("run", "-c", "1", "-s", shown)
    assert gone.returncode == 4 and shown in gone.stderr, gone.stderr
    assert code("run", "-c", "1", "-s", "nosuch").returncode == 4


def test_repl_survives_errors_and_shows_them(code):
    ran = code("repl", stdin="1 / 0\nif True:\n    y = 3\n\ny\n")
    assert (ran.returncode, ran.stdout) == (0, "3\n") and "ZeroDivisionError" in ran.stderr
    ran = code("repl", "-l", "javascript", stdin="let z = 4\nz * 2\n")
    assert (ran.returncode, ran.stdout) == (0, "8\n"), ran.stderr


def test_files_that_cannot_be_moved_are_named(code, tmp_path):
    missing = code("run", "-c", "1", "-u", "nosuch.csv")
    assert missing.returncode == 4 and "nosuch.csv" in missing.stderr
    missing = code("run", "-c", "1", "-d", "nosuch.csv")
    assert missing.returncode == 1 and "nosuch.csv" in missing.stderr
    assert not (tmp_path / "nosuch.csv").exists()
    large = code("run", "-c", "open('large', 'wb').write(b'\\7' * 40_000_000)", "-d", "large")
    assert large.returncode == 0, large.stderr
    assert (tmp_path / "large").read_bytes() == b"\7" * 40_000_000
