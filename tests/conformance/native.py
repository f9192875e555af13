"""Programs in C that tests run inside sandboxes."""

import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def compiled(source, folder):
    """The program made of a file of this folder, static: a sandbox has no libraries of ours."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    out = folder / "program"
    subprocess.run(["cc", "-O1", "-w", "-static", "-o", out, HERE / source], check=True)
    return out.read_bytes()
