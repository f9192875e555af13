"""The AWS CLI, pointed at the daemon by environment variables alone."""
import json
import subprocess

import pytest

import agents
from daemon import ROOT

AWS = ROOT / "build/venv/bin/aws"


@pytest.fixture(scope="module")
def aws(daemon):
    def run(*arguments, succeeds=True):
        done = subprocess.run(
            [AWS, *map(str, arguments)], env=daemon.command_environment(), text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert (done.returncode == 0) == succeeds, done.stderr + done.stdout
        if not succeeds:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout
    return run


def test_deploy_and_invoke(aws, tmp_path):
    archive = tmp_path / "code.zip"
    archive.write_bytes(agents.zip_of(agents.PUPPET_FILES))
    aws("s3", "mb", "s3://cli-code")
    aws("s3", "cp", archive, "s3://cli-code/agents/code.zip")
    assert "code.zip" in aws("s3", "ls", "s3://cli-code/agents/")

    code = {"codeConfiguration": {
        "code": {"s3": {"bucket": "cli-code", "prefix": "agents/code.zip"}},
        "runtime": "PYTHON_3_11", "entryPoint": ["agent.py"]}}
    created = aws(
        "bedrock-agentcore-control", "create-agent-runtime", "--agent-runtime-name", "from_cli",
        "--agent-runtime-artifact", json.dumps(code), "--role-arn", agents.ROLE,
        "--network-configuration", "networkMode=PUBLIC")
    identifier = created["agentRuntimeId"]

    def get():
        return aws("bedrock-agentcore-control", "get-agent-runtime", "--agent-runtime-id",
                   identifier)

    while (found := get())["status"] == "CREATING":
        pass  # each call takes the CLI most of a second
    assert found["status"] == "READY", found

    listed = aws("bedrock-agentcore-control", "list-agent-runtimes", "--max-items", "100")
    assert identifier in [item["agentRuntimeId"] for item in listed["agentRuntimes"]]

    answer = tmp_path / "answer.json"
    session = agents.session_id()
    told = aws(
        "bedrock-agentcore", "invoke-agent-runtime", "--agent-runtime-arn",
        created["agentRuntimeArn"], "--runtime-session-id", session, "--content-type",
        "application/json", "--payload", '{"do": "echo", "text": "Hello"}', answer)
    assert told["statusCode"] == 200
    assert told["runtimeSessionId"] == session
    assert json.loads(answer.read_text()) == {
        "echo": {"do": "echo", "text": "Hello"}, "session": session}

    aws("bedrock-agentcore", "stop-runtime-session", "--agent-runtime-arn",
        created["agentRuntimeArn"], "--runtime-session-id", session)
    aws("bedrock-agentcore-control", "delete-agent-runtime", "--agent-runtime-id", identifier)


def test_errors_are_named(aws):
    said = aws("bedrock-agentcore-control", "get-agent-runtime", "--agent-runtime-id",
               "missing-0123456789", succeeds=False)
    assert "ResourceNotFoundException" in said


def test_what_is_not_built_says_so(aws):
    name = agents.unbuilt_operation()
    if not name:
        pytest.skip("everything is built")
    command = "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")
    assert name in aws("bedrock-agentcore-control", command, succeeds=False)


def test_who_am_i(aws):
    assert len(aws("sts", "get-caller-identity")["Account"]) == 12
