"""The attacks of hostile code, each as Python, as a shell command and as a native program: what
holds, and what the caller is told. By a daemon that is root and by one that is not."""
import os

import pytest

from conftest import served
from daemon import Daemon
from native import compiled
from test_code_interpreter_boto3 import Session, text

NOBODY = 65534
SECONDS = 6

PYTHON = {
    "spin": "while True: pass",
    "memory": "held = []\nwhile True: held.append(b'x' * (1 << 24))",
    "forks": "import os, signal\ntry:\n    for made in range(100000):\n        if os.fork() == 0:\n"
             "            signal.pause()\nexcept OSError as e:\n"
             "    print('refused', int(made < 1000), int(e.errno == 11))",
    "flood": "import sys\nfor _ in range(4000): sys.stdout.write('x' * 9999 + '\\n')",
    "files": "try:\n    for i in range(10**7): open(f'f{i}', 'w').close()\n"
             "except OSError as e: print('refused', int(i < 200000), int(e.errno == 28))",
    "huge": "try:\n    with open('huge', 'wb', 0) as f:\n"
            "        for wrote in range(1 << 30): f.write(b'x' * (1 << 20))\n"
            "except OSError as e: print('refused', int(wrote < 4096), int(e.errno in (27, 28)))",
    "recursion": "import sys\nsys.setrecursionlimit(10**9)\nclass C:\n"
                 "    def __repr__(self): return repr(self)\nrepr(C())",
    "first": "import os\nfor s in (9, 19, 15, 11):\n    try: os.kill(1, s)\n"
             "    except PermissionError: pass\nprint('survived')",
    "agent": "import os; os.kill(os.getppid(), 9)",
    "forge": "import os\nfor fd in range(3, 1024):\n    try:\n        os.set_blocking(fd, False)\n"
             "        os.write(fd, b'\\xff' * 4096)\n        os.close(fd)\n"
             "    except OSError: pass",
    "replace": "import os\n"
               "for name in ('/opt/agentcored/start.py', '/opt/interpreter/bin/python'):\n"
               "    for act in (lambda: open(name, 'a'),\n"
               "                lambda: os.rename(name, '/work/taken')):\n"
               "        try: act(); print('OPENED', name)\n        except OSError: pass",
    "exit": "import os; os._exit(7)",
    # In a child, for the execution shall end: 2 is RENAME_EXCHANGE.
    "race": "import ctypes, os\nif os.fork() == 0:\n"
            "    os.setsid(); os.mkdir('d'); os.symlink('/tmp', 'l')\n"
            "    exchange = ctypes.CDLL(None).renameat2\n"
            "    while True: exchange(-100, b'd', -100, b'l', 2)",
}
SHELL = {
    "spin": "while :; do :; done",
    "memory": "tail /dev/zero",
    "forks": "for i in $(seq 3000); do sleep 30 & done; echo; kill $(jobs -p); echo refused 1 1",
    "flood": "yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | head -c 40000000",
    "files": "seq 10000000 | xargs touch 2>&1 | grep -m1 -o 'No space left' && echo refused 1 1",
    "huge": "head -c 8G /dev/zero > huge || echo refused 1 1",
    "recursion": "f() { f; }; f",
    "first": "for s in KILL STOP TERM SEGV; do kill -$s 1; done 2>/dev/null; echo survived",
    "agent": "kill -KILL $PPID; sleep 5",
    "forge": "for fd in /proc/$PPID/fd/*; do echo junk > $fd; done 2>/dev/null; true",
    "replace": "echo x 2>/dev/null >> /opt/agentcored/start.py && echo OPENED; "
               "mv /opt/agentcored/start.py /work 2>/dev/null && echo MOVED; true",
    "exit": "exit 7",
    "race": "(mkdir d; while :; do mv -T d c; ln -s /tmp d; rm d; mv -T c d; done) "
            ">/dev/null 2>&1 &",
}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The attacks as a program."""
    return compiled("attacks.c", tmp_path_factory.mktemp("native"))


def settings(folder, text=""):
    config = folder / "config.yaml"
    config.write_text(f"code_interpreter: {{execution_seconds_max: {SECONDS}, "
                      f"memory_mib_max: 1536}}\n{text}")
    return ["--config", config]


@pytest.fixture(scope="module", params=["root", "nobody"])
def daemon(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    if request.param == "root":
        with served(arguments=settings(folder)) as running:
            yield running
        return
    if os.geteuid() != 0:
        pytest.skip("the tests are not root: the daemon is not either")
    # Without root there are no control groups but delegated ones.
    accept = "sandbox: {accept_missing: [cgroup-memory, cgroup-pids, cgroup-cpu]}\n"
    arguments = settings(folder, accept)
    for path in (folder, *folder.iterdir(), folder.parent, folder.parent.parent):
        path.chmod(0o755)
    running = Daemon(arguments=arguments, user=NOBODY)
    try:
        running.start()
        yield running
        pids = running.descendants()
        assert running.stop() == 0, running.log_tail()
        assert not running.leftovers(pids)
    finally:
        running.remove()


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """A daemon that is root, whose sessions have little memory and time to use all of it. Without
    root there are no control groups, and then nothing bounds memory: not tried."""
    if os.geteuid() != 0:
        pytest.skip("memory is bounded by control groups")
    config = tmp_path_factory.mktemp("patient") / "config.yaml"
    config.write_text("code_interpreter: {memory_mib_max: 512}\n")
    with served(arguments=["--config", config]) as running:
        yield running


@pytest.fixture(params=["python", "shell", "native"])
def kind(request):
    return request.param


def attempt(session, kind, name, native):
    """What the attack called `name` came to."""
    if kind == "python":
        return session.run(PYTHON[name])
    if kind == "shell":
        return session.call("executeCommand", command=SHELL[name])
    session.call("writeFiles", content=[{"path": "attacks", "blob": native}])
    goes_on = "> /dev/null &" if name == "race" else ""
    return session.call("executeCommand",
                        command=f"chmod +x attacks && exec ./attacks {name} {goes_on}")


@pytest.fixture
def attack(daemon, kind, native):
    """attack(name): the result of one, and the session in which it was."""
    neighbour = Session(daemon)
    neighbour.run("kept = 'still here'")
    hostile = Session(daemon)
    yield lambda name: (attempt(hostile, kind, name, native), hostile)
    assert neighbour.run("kept")["structuredContent"]["stdout"] == "'still here'"
    neighbour.stop()
    hostile.stop()


def works_on(session):
    return session.run("6 * 7")["structuredContent"]["stdout"] == "42"


def test_a_spin_is_ended_in_time_and_says_so(attack):
    result, session = attack("spin")
    assert result["isError"] is True and f"longer than {SECONDS} s" in text(result)
    assert works_on(session)


def test_a_memory_bomb_ends_its_session_and_says_so(patient, kind, native):
    neighbour = Session(patient)
    neighbour.run("kept = 'still here'")
    hostile = Session(patient)
    result = attempt(hostile, kind, "memory", native)
    assert result["isError"] is True and "memory" in text(result).lower()
    assert neighbour.run("kept")["structuredContent"]["stdout"] == "'still here'"
    neighbour.stop()


def test_forks_are_refused_at_the_limit(attack):
    result, session = attack("forks")
    assert any(said in text(result) for said in ("refused 1 1", "fork", "longer than")), result
    assert session.call("listFiles", directoryPath="")["isError"] is False


def test_a_flood_is_cut_and_marked(attack):
    result, session = attack("flood")
    assert len(result["structuredContent"]["stdout"]) < 1 << 20
    assert "rest is left out" in result["structuredContent"]["stdout"]
    assert works_on(session)


@pytest.mark.parametrize("name", ["files", "huge"])
def test_files_are_bounded(attack, name):
    result, _ = attack(name)
    # On a busy machine the time is over first; that holds as well.
    assert "refused 1 1" in text(result) or "longer than" in text(result), result


def test_deep_recursion_ends_its_process_only(attack):
    result, session = attack("recursion")
    assert result["isError"] is True
    assert works_on(session)


def test_signals_to_the_first_process_do_nothing(attack):
    result, session = attack("first")
    assert "survived" in text(result)
    assert works_on(session)


def test_killing_the_agent_ends_the_session_and_says_so(attack):
    result, _ = attack("agent")
    assert result["isError"] is True and "The session has ended" in text(result)


def test_the_channel_cannot_be_forged(attack):
    result, session = attack("forge")
    assert "WROTE" not in text(result)
    assert works_on(session)


def test_the_guest_side_code_cannot_be_replaced(attack):
    result, session = attack("replace")
    assert "OPENED" not in text(result) and "MOVED" not in text(result)
    assert works_on(session)


def test_an_exit_ends_its_process_only(attack, kind):
    result, session = attack("exit")
    assert result["isError"] is True
    if kind == "python":
        assert "exit code 7" in text(result)
    else:
        assert result["structuredContent"]["exitCode"] == 7
    assert works_on(session)
    assert session.view()["status"] == "READY"


def test_links_that_change_lead_the_file_tools_nowhere(attack):
    """A folder that is a link out of /work by turns: what the tools look at and what they open
    have to be the same."""
    _, session = attack("race")
    setup = "mkdir -p /tmp/kept && echo over-there > /tmp/secret && echo kept > /tmp/kept/file"
    assert session.call("executeCommand", command=setup)["isError"] is False
    seen = set()
    for _ in range(40):
        seen.add(session.call("writeFiles", content=[{"path": "d/new", "text": "x"}])["isError"])
        assert "over-there" not in str(session.call("readFiles", paths=["d/secret"]))
        assert "secret" not in str(session.call("listFiles", directoryPath="d")["content"])
        session.call("writeFiles", content=[{"path": "d/deep/er/new", "text": "x"}])
        session.call("removeFiles", paths=["d/kept"])
    assert False in seen, "the folder was never a folder: nothing was tried"
    found = session.call("executeCommand", command="cd /tmp && find . -type f -name new -o -name "
                         "deep; cat kept/file secret")
    assert text(found).split() == ["kept", "over-there"], found
