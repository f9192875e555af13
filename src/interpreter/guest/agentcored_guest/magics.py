"""What notebooks write besides Python: `!command`, `%pip install x`, `%matplotlib inline`.

Only code that does not parse as Python is looked at for them.
"""
import re
import shlex
import subprocess
import sys

LINE = re.compile(r"^([ \t]*)([!%])[ \t]*(\S.*)$", re.MULTILINE)
NAME = "__agentcored_magic__"
NOTHING_TO_DO = {"matplotlib", "config", "load_ext", "autoreload"}


def translated(code):
    """The same with such lines as calls, which keep their line numbers."""
    return LINE.sub(lambda m: f"{m[1]}{NAME}({m[2]!r}, {m[3]!r})", code)


def run(kind, text):
    sys.stdout.flush()
    sys.stderr.flush()
    if kind == "!":
        subprocess.run(text, shell=True, executable="/bin/bash", check=False)
        return
    name, *arguments = shlex.split(text)
    if name == "pip":
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=False)
    elif name not in NOTHING_TO_DO:
        raise NameError(f"there is no magic %{name} here: this is Python, not IPython")
