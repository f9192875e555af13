"""Access as others meet it: agents with their runtime's role, resource policies, both CLIs."""
import json
import subprocess

import pytest
from botocore.exceptions import ClientError

import agents
from conftest import served
from daemon import ROOT, program
from test_access_boto3 import ACCOUNT, allow, as_key, code_of, deny, policy, trust
from test_guest_platform import FILES

PLATFORM = {"Service": "bedrock-agentcore.amazonaws.com"}


@pytest.fixture
def role(daemon):
    """role(name, document, who): the ARN of a new role."""
    iam = daemon.client("iam")
    made = []

    def make(name, document, who=PLATFORM):
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(who))["Role"]["Arn"]
        made.append(name)
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
        return arn

    yield make
    for name in made:
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=inline)
        iam.delete_role(RoleName=name)


def listing(agent, session=None):
    return agent.invoke({"path": "/memories/", "method": "POST", "body": "{}"}, session)


def test_an_agent_may_what_its_role_may_and_no_longer_than_it_may(daemon, deployed, role):
    arn = role("bounded", policy(allow("bedrock-agentcore:ListMemories")))
    agent = deployed(FILES, roleArn=arn)
    session = agents.session_id()
    assert listing(agent, session)["status"] == 200
    create = {"path": "/memories/create", "method": "POST",
              "body": json.dumps({"name": "never", "eventExpiryDuration": 7})}
    answer = agent.invoke(create, session)
    assert answer["status"] == 403, answer
    assert f"assumed-role/bounded/BedrockAgentCore-{session}"[:64] in answer["body"]
    daemon.client("iam").put_role_policy(
        RoleName="bounded", PolicyName="inline",
        PolicyDocument=policy(deny("bedrock-agentcore:*")))
    assert listing(agent, session)["status"] == 403, "at once, in the session that runs"


def test_an_agent_does_not_get_a_role_that_does_not_trust_the_platform(deployed, role):
    agent = deployed(FILES, roleArn=role("human", policy(allow("*")), {"AWS": ACCOUNT}))
    assert listing(agent)["status"] == 403


def test_an_agent_with_an_unknown_role_may_not_administer(deployed):
    agent = deployed(FILES, roleArn=f"arn:aws:iam::{ACCOUNT}:role/not-kept-here")
    assert listing(agent)["status"] == 200
    create = {"path": "/memories/create", "method": "POST",
              "body": json.dumps({"name": "never", "eventExpiryDuration": 7})}
    assert agent.invoke(create)["status"] == 403


def test_unknown_roles_are_refused_when_told_so(tmp_path):
    config = tmp_path / "strict.yaml"
    config.write_text("access:\n  unknown_runtime_role: refused\n")
    with served(arguments=["--config", config]) as daemon:
        agent = agents.deploy(daemon, FILES, name="strict")
        assert listing(agent)["status"] == 403


def test_resource_policies_are_kept_returned_and_evaluated(daemon, puppet):
    iam, control = daemon.client("iam"), daemon.client("bedrock-agentcore-control")
    arn = iam.create_user(UserName="invited")["User"]["Arn"]
    key = iam.create_access_key(UserName="invited")["AccessKey"]
    data = as_key(daemon, "bedrock-agentcore", key["AccessKeyId"], key["SecretAccessKey"])

    def invoke():
        return data.invoke_agent_runtime(
            agentRuntimeArn=puppet.arn, runtimeSessionId=agents.session_id(),
            payload=json.dumps({"do": "echo"}).encode())

    assert code_of(invoke) == "AccessDeniedException"
    assert code_of(control.get_resource_policy,
                   resourceArn=puppet.arn) == "ResourceNotFoundException"
    document = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": arn},
        "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": puppet.arn}]})
    control.put_resource_policy(resourceArn=puppet.arn, policy=document)
    assert control.get_resource_policy(resourceArn=puppet.arn)["policy"] == document
    assert invoke()["statusCode"] == 200
    assert code_of(data.stop_runtime_session, agentRuntimeArn=puppet.arn,
                   runtimeSessionId=agents.session_id()) == "AccessDeniedException"
    with pytest.raises(ClientError) as caught:
        control.put_resource_policy(resourceArn=puppet.arn, policy='{"Statement": 1}')
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    control.delete_resource_policy(resourceArn=puppet.arn)
    assert code_of(invoke) == "AccessDeniedException"
    iam.delete_access_key(UserName="invited", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="invited")


def test_the_account_in_an_arn_is_not_taken_on_trust(daemon, puppet):
    """A confused deputy would look for the runtime in the account that the ARN names."""
    data = daemon.client("bedrock-agentcore")
    foreign = puppet.arn.replace(ACCOUNT, "999999999999")
    for arguments in ({"agentRuntimeArn": foreign},
                      {"agentRuntimeArn": puppet.id, "accountId": "999999999999"}):
        assert code_of(data.invoke_agent_runtime, payload=b"{}", **arguments,
                       runtimeSessionId=agents.session_id()) == "AccessDeniedException"


def run_cli(daemon, *arguments, code=0, stdin=""):
    done = subprocess.run([program("agentcore"), "access", *arguments], text=True, input=stdin,
                          capture_output=True, timeout=60, env=daemon.command_environment())
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def test_the_command_line_manages_access(daemon):
    run_cli(daemon, "user", "create", "cli-user")
    secret = run_cli(daemon, "key", "create", "-u", "cli-user")
    assert "AWS_SECRET_ACCESS_KEY=" in secret
    listed = json.loads(run_cli(daemon, "key", "list", "-u", "cli-user", "--json"))
    key = listed["accessKeys"][0]["AccessKeyId"]
    assert key in secret and "Secret" not in json.dumps(listed)
    run_cli(daemon, "policy", "put", "read", "-", "-u", "cli-user",
            stdin=policy(allow("s3:Get*"), deny("s3:GetObject", "arn:aws:s3:::b/secret")))
    said = run_cli(daemon, "simulate", "s3:GetObject", "s3:PutObject", "-a", "cli-user",
                   "-r", "arn:aws:s3:::b/k", "-r", "arn:aws:s3:::b/secret")
    assert "allowed       s3:GetObject on arn:aws:s3:::b/k: statement 1 of" in said
    assert "explicitDeny  s3:GetObject on arn:aws:s3:::b/secret: statement 2 of" in said
    assert "implicitDeny  s3:PutObject on arn:aws:s3:::b/k: no statement allows it" in said
    run_cli(daemon, "policy", "put", "bad", "-", "-u", "cli-user", stdin="{}", code=1)
    run_cli(daemon, "role", "create", "cli-role")
    assert "bedrock-agentcore.amazonaws.com" in run_cli(daemon, "role", "show", "cli-role")
    run_cli(daemon, "role", "delete", "cli-role")
    run_cli(daemon, "user", "delete", "cli-user", code=1)
    run_cli(daemon, "policy", "delete", "read", "-u", "cli-user")
    run_cli(daemon, "key", "disable", key, "-u", "cli-user")
    run_cli(daemon, "key", "delete", key, "-u", "cli-user")
    run_cli(daemon, "user", "delete", "cli-user")


def test_the_aws_cli_manages_access(daemon):
    def aws(*arguments):
        done = subprocess.run([ROOT / "build/venv/bin/aws", *arguments, "--output", "json"],
                              env=daemon.command_environment(), text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    arn = aws("iam", "create-role", "--role-name", "from-aws-cli",
              "--assume-role-policy-document", trust({"AWS": ACCOUNT}))["Role"]["Arn"]
    aws("iam", "put-role-policy", "--role-name", "from-aws-cli", "--policy-name", "p",
        "--policy-document", policy(allow("sts:*")))
    shown = aws("iam", "get-role-policy", "--role-name", "from-aws-cli", "--policy-name", "p")
    assert shown["PolicyDocument"]["Statement"][0]["Action"] == "sts:*"
    assumed = aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "cli")
    assert assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/from-aws-cli/cli")
    assert "from-aws-cli" in [r["RoleName"] for r in aws("iam", "list-roles")["Roles"]]
    aws("iam", "delete-role-policy", "--role-name", "from-aws-cli", "--policy-name", "p")
    aws("iam", "delete-role", "--role-name", "from-aws-cli")
