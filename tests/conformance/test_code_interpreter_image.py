"""What a session's code finds: an operator's environment, a root of its own, Deno."""
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

import images
from conftest import served
from test_code_interpreter_boto3 import Session, text


def let_all_read(folder):
    for path in (folder, *folder.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)


def settings(folder, **keys):
    let_all_read(folder)
    inside = ", ".join(f"{key}: {value}" for key, value in keys.items())
    (folder / "config.yaml").write_text(f"code_interpreter: {{{inside}}}\n")
    return ["--config", folder / "config.yaml"]


def test_an_environment_of_the_operators(tmp_path):
    environment = tmp_path / "environment"
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", environment], check=True)
    packages = next((environment / "lib").glob("python3*")) / "site-packages"
    (packages / "ours.py").write_text("answer = 42\n")
    with served(arguments=settings(tmp_path, environment=environment)) as running:
        session = Session(running)
        assert text(session.run("import ours; ours.answer")).strip() == "42"
        # What is added is there for sessions that start afterwards, and for those that live.
        (packages / "later.py").write_text("answer = 43\n")
        other = Session(running)
        assert text(other.run("import later; later.answer")).strip() == "43"
        for made in (session, other):
            made.stop()


def test_a_python_that_sessions_cannot_see_is_refused(tmp_path):
    programs = tmp_path / "environment/bin"
    programs.mkdir(parents=True)
    (tmp_path / "python3").write_bytes(b"")
    (programs / "python").symlink_to(tmp_path / "python3")
    with pytest.raises(Exception) as caught, \
            served(arguments=settings(tmp_path, environment=programs.parent)):
        pass
    assert "which sessions do not see" in str(caught.value)


def test_an_agent_that_cannot_start_says_why(tmp_path):
    environment = tmp_path / "environment"
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", environment], check=True)
    packages = next((environment / "lib").glob("python3*")) / "site-packages"
    (packages / "broken.pth").write_text("import sys; sys.modules['selectors'] = None\n")
    with served(arguments=settings(tmp_path, environment=environment)) as running:
        session = Session(running)
        said = session.run("1")
        assert said["isError"] is True and "its agent failed: " in text(said), said
        assert "selectors" in text(said)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root file system as an image has it: this machine's Python and nothing else."""
    folder = tmp_path_factory.mktemp("roots") / "root"
    with tarfile.open(fileobj=io.BytesIO(images.python_layer())) as layer:
        layer.extractall(folder)
    modules = [*folder.glob("usr/lib/python3*/lib-dynload/*.so")]
    listed = subprocess.run(["ldd", *modules], capture_output=True, text=True, check=True).stdout
    for path in set(re.findall(r"(/\S+) \(0x", listed)):
        target = folder / ("usr" + path.removeprefix("/usr"))
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(pathlib.Path(path).resolve(), target)
    (folder / "etc").mkdir(exist_ok=True)
    (folder / "etc/os-release").write_text("NAME=Theirs\nID=theirs\n")
    let_all_read(folder)
    return folder


def test_a_root_of_its_own(root, tmp_path):
    with served(arguments=settings(tmp_path, root=root)) as running:
        session = Session(running)
        session.run("x = 1; open('kept.txt', 'w').write('kept')")
        said = text(session.run("import platform, os\nhas = os.path.exists\n"
                                "platform.freedesktop_os_release()['NAME'], has('/usr/sbin')"
                                ", open('kept.txt').read(), os.getuid()"))
        assert said.strip() == "('Theirs', False, 'kept', 1000)"
        refused = session.run("open('/etc/os-release', 'a')")
        assert refused["isError"] is True and re.search("Read-only|Permission", text(refused))
        assert "Deno or Node.js" in text(session.run("1", language="javascript"))
        # With a template now, where there was none for the first.
        for _ in range(3):
            other = Session(running)
            assert text(other.run("import statistics; statistics.mean([1, 2])")).strip() == "1.5"
            other.stop()
        session.stop()


def test_a_root_without_python_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Exception) as caught, \
            served(arguments=settings(tmp_path, root=tmp_path / "empty")):
        pass
    assert "no python3 in" in str(caught.value)


@pytest.fixture(scope="module")
def deno(tmp_path_factory):
    """A daemon whose interpreter has Deno."""
    program = pathlib.Path(sys.executable).parent / "deno"
    if not program.exists():
        pytest.skip("the tests' environment has no Deno")
    with served(arguments=settings(tmp_path_factory.mktemp("deno"), deno=program)) as running:
        yield running


@pytest.fixture
def session(deno):
    made = Session(deno)
    yield made
    made.stop()


def stdout(session, code, language="typescript"):
    result = session.run(code, language=language)
    assert result["isError"] is False, result
    return result["structuredContent"]["stdout"]


def test_deno_runs_typescript(session):
    assert stdout(session, "enum A { X = 3 }\nconst y: number = A.X\n"
                           "console.log(Deno.version.deno.split('.').length, y)") == "3 3"
    assert stdout(session, "y + 1") == "4"
    # An import that only the next cell uses; top-level await; files of the session.
    stdout(session, "import * as fs from 'node:fs'\nimport type { Stats } from 'node:fs'")
    assert stdout(session, "fs.writeFileSync('a.txt', 'seven')\n"
                           "await Deno.readTextFile('/work/a.txt')") == "'seven'"
    assert stdout(session, "typeof Deno", language="javascript") == "'object'"


def test_denos_errors_and_ends(session):
    failed = session.run("let z = 1\nthrow new Error('boo')", language="typescript")
    assert failed["isError"] is True and "Error: boo" in text(failed)
    assert "inspector" not in text(failed)
    assert stdout(session, "z") == "1"
    for leave in ("process.exit(3)", "Deno.exit(3)",
                  "setTimeout(() => Deno.exit(3)); await new Promise(() => {})"):
        gone = session.run(leave, language="typescript")
        assert gone["isError"] is True and "exit code 3" in text(gone)
        assert "panic" not in text(gone)
    assert stdout(session, "typeof z") == "'undefined'"


def test_deno_has_no_way_out(session):
    for code in ("await fetch('http://169.254.169.254/')", "await Deno.connect("
                 "{hostname: '1.1.1.1', port: 53})", "await Deno.writeTextFile('/etc/x', 'x')",
                 "Deno.kill(1, 'SIGKILL'); throw new Error('alive')"):
        assert session.run(code, language="javascript")["isError"] is True
    assert stdout(session, "6 * 7") == "42"
