"""The AWS SDK for JavaScript v3: each js/*.mjs is one program that checks itself."""
import json
import pathlib
import subprocess

import pytest

import agents
from daemon import ROOT

PROGRAMS = sorted((pathlib.Path(__file__).parent / "js").glob("*.mjs"))


@pytest.mark.parametrize("program", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_program(daemon, puppet, program):
    given = {
        "artifact": agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES)),
        "role": agents.ROLE, "puppet": puppet.arn,
        "unbuilt": agents.unbuilt_operation()}
    done = subprocess.run(
        [ROOT / "build/venv/bin/node", program], env={
            **daemon.command_environment(), "GIVEN": json.dumps(given)},
        text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
