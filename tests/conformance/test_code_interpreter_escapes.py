"""The ways out of a session, each tried in Python, from a shell and by a native program: what the
sandbox's own suite (src/sandbox/testcases) does to a guest, done through the API to an interpreter.
By a daemon that is root and by one that is not."""
import os
import socket
import subprocess
import uuid

import pytest

from native import compiled
from test_code_interpreter_attacks import daemon, kind  # noqa: F401: fixtures
from test_code_interpreter_boto3 import Session, text

PRELUDE = """
import ctypes, os, socket, stat
libc = ctypes.CDLL(None, use_errno=True)
def works(*attempts):
    for attempt in attempts:
        try:
            result = attempt()
        except OSError:
            continue
        if not isinstance(result, int) or result >= 0:
            return True
    return False
def reaches(address, port, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.settimeout(1)
        s.connect((address, port))
        if kind == socket.SOCK_DGRAM:
            s.send(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\1")
            s.recv(1)
def link(target):
    if os.path.lexists(FOLDER + "/link"):
        os.unlink(FOLDER + "/link")
    os.symlink(target, FOLDER + "/link")
    return open(FOLDER + "/link")
"""
# Expressions, given to works().
PYTHON = {
    "init_memory": "lambda: open('/proc/1/mem', 'rb'), lambda: open('/proc/1/environ', 'rb')",
    "trace": "lambda: libc.ptrace(16, 1, 0, 0), lambda: libc.ptrace(0x4206, os.getppid(), 0, 0)",
    "keys": "lambda: libc.syscall(250, 0, -3, 1), "
            "lambda: libc.syscall(248, b'user', b'k', b'v', 1, -3)",
    "uring": "lambda: libc.syscall(425, 8, ctypes.create_string_buffer(120))",
    "namespaces": "*[lambda f=f: libc.unshare(f) for f in (1 << 28, 1 << 17, 1 << 29, 1 << 30)]",
    "abstract": "lambda: socket.socket(socket.AF_UNIX).connect('\\0' + ABOUT)",
    "metadata": "lambda: reaches('169.254.169.254', 80), lambda: reaches('169.254.170.2', 80)",
    "names": "lambda: socket.getaddrinfo('example.com', 80), "
             "lambda: reaches('8.8.8.8', 53, socket.SOCK_DGRAM)",
    "raw": "lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), "
           "lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "devices": "lambda: os.mknod(FOLDER + '/disk', stat.S_IFBLK | 0o600, os.makedev(8, 0)), "
               "lambda: open('/dev/mem'), lambda: open('/dev/kmsg'), lambda: open('/dev/sda')",
    "links": "*[lambda r=r: link(r + ABOUT) for r in ('/proc/1/root', '/proc/self/root', "
             "'/../../../..', '/proc/self/cwd/../../../..')]",
}
# Commands: one that succeeds is an escape.
SHELL = {
    "init_memory": "(exec 3</proc/1/mem) || (exec 3</proc/1/environ)",
    "trace": "perl -e 'exit(syscall(101, 16, 1, 0, 0) != 0)'",
    "keys": "perl -e 'exit(syscall(250, 0, -3, 1) < 0)'",
    "uring": "perl -e '$p = \"\\0\" x 120; exit(syscall(425, 8, $p) < 0)'",
    "namespaces": "unshare -U true || unshare -r -m true || unshare -n true",
    "abstract": "perl -MSocket -e 'socket($s, AF_UNIX, SOCK_STREAM, 0); "
                "exit(!connect($s, pack(\"S\", AF_UNIX) . \"\\0$ENV{ABOUT}\"))'",
    "metadata": "timeout 2 bash -c 'echo > /dev/tcp/169.254.169.254/80'",
    "names": "timeout 5 getent hosts example.com",
    "raw": "perl -e 'exit(!socket($s, 2, 3, 1))'",
    "devices": "mknod $FOLDER/disk b 8 0 || (exec 3</dev/mem) || (exec 3</dev/kmsg) || "
               "(exec 3</dev/sda)",
    "links": "ln -sfn /proc/1/root$ABOUT $FOLDER/link; cat $FOLDER/link || "
             "cat /proc/self/root$ABOUT || "
             "cat /../../../..$ABOUT",
}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    return compiled("escapes.c", tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="module")
def session(daemon, native):  # noqa: F811
    made = Session(daemon)
    made.call("writeFiles", content=[{"path": "escapes", "blob": native}])
    made.call("executeCommand", command="chmod +x escapes")
    yield made
    assert text(made.run("6 * 7")).strip() == "42"
    made.stop()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """What is on the host, and must not be found: a file, and somebody who listens."""
    path = tmp_path_factory.mktemp("host") / "secret"
    path.write_text("of the host")
    path.chmod(0o644)
    name = "agentcored-test-" + uuid.uuid4().hex
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect("\0" + name)
        yield {"links": str(path), "abstract": name}


@pytest.mark.parametrize("way", PYTHON)
def test_there_is_no_way_out(session, host, kind, way):  # noqa: F811
    about = host.get(way, "-")
    if kind == "python":
        result = session.run(f"{PRELUDE}\nABOUT, FOLDER = {about!r}, '/tmp'\n"
                             f"print('ESCAPED' if works({PYTHON[way]}) else 'held')")
    elif kind == "shell":
        result = session.call("executeCommand", command=f"export ABOUT={about} FOLDER=/tmp; "
                              f"{{ {SHELL[way]}; }} >/dev/null 2>&1 && echo ESCAPED || echo held")
    else:
        result = session.call("executeCommand", command=f"./escapes {way} {about}")
    assert text(result).strip() == "held", result


def test_the_attempts_would_be_seen(tmp_path):
    """What is held in a session is not held here: the attempts are real ones."""
    if os.geteuid() != 0:
        pytest.skip("root could do all of it")
    about = tmp_path / "secret"
    about.write_text("x")
    for way in ("raw", "devices", "links"):
        code = (f"{PRELUDE}\nABOUT, FOLDER = {str(about)!r}, {str(tmp_path)!r}\n"
                f"print(works({PYTHON[way]}))")
        ran = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == "True", (way, ran.stderr)
        for made in ("disk", "link"):
            (tmp_path / made).unlink(missing_ok=True)
        ran = subprocess.run(["bash", "-c", f"ABOUT={about} FOLDER={tmp_path}; {SHELL[way]}"],
                             capture_output=True, check=False)
        assert ran.returncode == 0, (way, ran.stderr)
