"""The AWS SDK for JavaScript v3: each js/*.mjs is one program that checks itself."""
import json
import pathlib
import subprocess

import pytest

import agents
from daemon import ROOT

PROGRAMS = sorted((pathlib.Path(__file__).parent / "js").glob("*.mjs"))


def limited_session(daemon):
    """Credentials of a role that may only list runtimes."""
    iam = daemon.client("iam")
    name = "js-limited"
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "000000000000"}}]}
    may = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "bedrock-agentcore:ListAgentRuntimes", "Resource": "*"}]}
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    iam.put_role_policy(RoleName=name, PolicyName="list", PolicyDocument=json.dumps(may))
    issued = daemon.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::000000000000:role/{name}", RoleSessionName="js")["Credentials"]
    return {"accessKeyId": issued["AccessKeyId"], "secretAccessKey": issued["SecretAccessKey"],
            "sessionToken": issued["SessionToken"]}


@pytest.mark.parametrize("program", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_program(daemon, puppet, program):
    given = {
        "artifact": agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES)),
        "role": agents.ROLE, "puppet": puppet.arn,
        "unbuilt": agents.unbuilt_operation(), "session": limited_session(daemon)}
    done = subprocess.run(
        [ROOT / "build/venv/bin/node", program], env={
            **daemon.command_environment(), "GIVEN": json.dumps(given)},
        text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
