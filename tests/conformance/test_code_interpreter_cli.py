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
