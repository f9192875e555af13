"""Sessions that come from a template: unlike one another, and there without one too."""
import json
import pathlib
import time

import pytest

from conftest import served
from daemon import eventually
from test_code_interpreter_boto3 import Session, text

# In one line of JSON: what must differ between siblings, and what must be true of each.
LOOK = """
import json, os, random, secrets, subprocess, sys, tempfile, threading, time, uuid
import numpy
child = subprocess.run([sys.executable, "-c", "print(hash('x'))"], capture_output=True, text=True)
with open("/proc/self/stat") as stat:
    own = int(stat.read().split()[0])
print(json.dumps({
    "unlike": [os.urandom(8).hex(), secrets.token_hex(8), random.random(), str(uuid.uuid4()),
               str(uuid.uuid1()), tempfile.mktemp(), float(numpy.random.rand()),
               float(numpy.random.default_rng().random()), child.stdout],
    "pids": [os.getpid(), own, threading.get_native_id()],
    "wall": time.time(), "cpu": time.process_time(),
    "loaded": [name in sys.modules for name in ("numpy", "pandas", "matplotlib.pyplot")],
}))
"""


def look(session):
    return json.loads(text(session.run(LOOK)))


@pytest.fixture(scope="module")
def warm(daemon):
    """The daemon, once it has a template."""
    first = Session(daemon)
    first.run("1")

    def is_warm():
        made = Session(daemon)
        loaded = text(made.run("import sys; 'pandas' in sys.modules")).strip() == "True"
        made.stop()
        return loaded
    assert eventually(is_warm, 60)
    first.stop()
    return daemon


def test_siblings_differ(warm):
    sessions = [Session(warm) for _ in range(4)]
    found = [look(session) for session in sessions]
    # A kernel that was started again comes from the same agent.
    sessions[0].run("import os; os._exit(0)")
    found.append(look(sessions[0]))
    for session in sessions:
        session.stop()
    for values in zip(*(one["unlike"] for one in found)):
        assert len(set(values)) == len(found), values
    for one in found:
        assert len(set(one["pids"])) == 1, one
        assert abs(one["wall"] - time.time()) < 60
        assert one["cpu"] < 30
        assert all(one["loaded"])


def test_what_was_imported_works_after_the_thaw(warm):
    session = Session(warm)
    result = session.run(
        "import numpy as np, pandas as pd, matplotlib.pyplot as plt, threading\n"
        "df = pd.DataFrame({'a': np.arange(1000), 'b': np.random.rand(1000)})\n"
        "done = []\n"
        "count = lambda: done.append(df.groupby(df.a % 7).b.mean().size)\n"
        "worker = threading.Thread(target=count); worker.start(); worker.join()\n"
        "plt.plot(df.a, df.b); plt.show()\n"
        "ones = np.ones((400, 400))\n"
        "print(float(np.linalg.inv(np.eye(300) * 2)[0, 0]), done, float((ones @ ones)[0, 0]))")
    assert text(result).strip() == "0.5 [7] 400.0"
    assert [b["type"] for b in result["content"]].count("image") == 1
    session.stop()


def test_the_sessions_time_is_not_the_templates(warm):
    session = Session(warm)
    code = "import time; time.monotonic(), time.time(), time.perf_counter()"
    before = eval(text(session.run(code)))
    time.sleep(0.2)
    after = eval(text(session.run(code)))
    session.stop()
    assert all(0.2 <= b - a < 30 for a, b in zip(before, after)), (before, after)


def environment(folder, numpy):
    """A Python environment whose numpy is `numpy`."""
    import subprocess
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder], check=True)
    packages = next(pathlib.Path(folder, "lib").glob("python3*")) / "site-packages"
    (packages / "numpy").mkdir()
    (packages / "numpy" / "__init__.py").write_text(numpy)
    (folder / "config.yaml").write_text(f"code_interpreter: {{environment: {folder}}}\n")
    for path in (folder, *folder.parents[:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    return ["--config", folder / "config.yaml"]


# The template cannot be made; nothing can be made of it.
BROKEN = {"import ends it": "import os\nos._exit(3)\n",
          "a thread is in it": "import threading\nwait = threading.Event().wait\n"
                               "threading.Thread(target=wait, daemon=True).start()\n",
          "thawed ones end": "import os\nimport agentcored_guest.agentcored_template as t\n"
                             "t.be_unlike_siblings = lambda: os._exit(9)\n"}


@pytest.mark.parametrize("how", BROKEN)
def test_without_a_template_sessions_start_as_ever(tmp_path, how):
    with served(arguments=environment(tmp_path, BROKEN[how])) as running:
        for attempt in range(6):
            session = Session(running)
            assert text(session.run(f"x = {attempt}; x + 1")).strip() == str(attempt + 1)
            session.stop()
            time.sleep(0.2)
