"""The official starter toolkit's own command line, unmodified: it is told `agentcore env`."""
import json
import subprocess

import boto3
import botocore.exceptions
import pytest
import yaml

import models_config
from conftest import served
from daemon import REGION, ROOT, program

PYTHON = ROOT / "build/venv/bin/python"
TOOLKIT = ROOT / "build/venv/bin/agentcore"

AGENT = """
import os
import pydantic_core
from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()
calls = 0

@app.entrypoint
def invoke(payload, context):
    global calls
    calls += 1
    return {"said": payload["prompt"], "calls": calls, "session": context.session_id,
            "colour": os.environ.get("COLOUR"), "machine": os.uname().machine,
            "pydantic": pydantic_core.__version__}

if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def own_daemon(tmp_path):
    with served(arguments=["--config", models_config.write(tmp_path)]) as daemon:
        yield daemon


class Project:
    def __init__(self, daemon, folder):
        self.folder = folder
        exported = subprocess.run([program("agentcore"), "env", "--json"], check=True,
                                  capture_output=True, text=True,
                                  env=daemon.command_environment())
        self.environment = {**daemon.command_environment(), **json.loads(exported.stdout),
                            "COLUMNS": "200", "NO_COLOR": "1"}

    def toolkit(self, *arguments, code=0):
        done = subprocess.run([PYTHON, TOOLKIT, *arguments], cwd=self.folder, text=True,
                              env=self.environment, capture_output=True, timeout=600,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout + done.stderr

    def agent(self):
        document = yaml.safe_load((self.folder / ".bedrock_agentcore.yaml").read_text())
        return document["agents"][document["default_agent"]]


def client(daemon, service):
    return daemon.client(service)


def test_configure_deploy_invoke_status_destroy(own_daemon, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "agent.py").write_text(AGENT)
    (folder / "requirements.txt").write_text("bedrock-agentcore==1.25.0\n")
    project = Project(own_daemon, folder)
    project.toolkit("configure", "-e", "agent.py", "-n", "official", "-dt", "direct_code_deploy",
                    "-rt", "PYTHON_3_11", "-dm", "-r", REGION, "--non-interactive")

    said = project.toolkit("deploy", "-env", "COLOUR=green")
    assert "Transaction Search configured" in said or "successfully" in said.lower()
    deployed = project.agent()
    arn = deployed["bedrock_agentcore"]["agent_arn"]
    runtime_id = deployed["bedrock_agentcore"]["agent_id"]
    role = deployed["aws"]["execution_role"].rsplit("/", 1)[1]

    # What it set at the neighbours is there, and does not get lost.
    own_daemon.restart()
    project = Project(own_daemon, folder)
    logs, xray = client(own_daemon, "logs"), client(own_daemon, "xray")
    policies = logs.describe_resource_policies()["resourcePolicies"]
    assert [policy["policyName"] for policy in policies] == ["TransactionSearchXRayAccess"]
    assert "xray.amazonaws.com" in policies[0]["policyDocument"]
    assert xray.get_trace_segment_destination()["Destination"] == "CloudWatchLogs"
    source = logs.get_delivery_source(name=f"{runtime_id}-traces-source")["deliverySource"]
    assert (source["resourceArns"], source["service"], source["logType"]) == \
        ([arn], "bedrock-agentcore", "TRACES")
    delivery = logs.describe_deliveries()["deliveries"][0]
    assert delivery["deliveryDestinationType"] == "XRAY"
    assert client(own_daemon, "iam").get_role(RoleName=role)["Role"]["RoleName"] == role

    answers = [project.toolkit("invoke", '{"prompt": "hi"}'), project.toolkit("invoke", "again")]
    assert '"calls": 1' in answers[0] and '"said": "hi"' in answers[0], answers[0]
    assert '"colour": "green"' in answers[0]
    assert '"calls": 2' in answers[1] and '"said": "again"' in answers[1], answers[1]
    status = project.toolkit("status")
    assert "READY" in status and arn in status.replace("\n", "").replace(" ", "").replace("│", "")

    again = project.toolkit("deploy", "-auc", "-env", "COLOUR=blue")
    assert "error" not in again.lower(), again
    assert '"colour": "blue"' in project.toolkit("invoke", "new version")

    project.toolkit("destroy", "--force")
    control = client(own_daemon, "bedrock-agentcore-control")
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_agent_runtime(agentRuntimeId=runtime_id)
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchEntity"):
        client(own_daemon, "iam").get_role(RoleName=role)


def test_deliveries_are_checked_and_kept(fresh_daemon):
    logs = fresh_daemon.client("logs")
    group = "/aws/vendedlogs/bedrock-agentcore/memory/APPLICATION_LOGS/m"
    logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    found = logs.describe_log_groups(logGroupNamePrefix="/aws/vended")["logGroups"][0]
    memory = f"arn:aws:bedrock-agentcore:{REGION}:000000000000:memory/m"
    logs.put_delivery_source(name="m-logs", logType="APPLICATION_LOGS", resourceArn=memory)
    logs.put_delivery_source(name="m-traces", logType="TRACES", resourceArn=memory)
    to_logs = logs.put_delivery_destination(
        name="to-logs", deliveryDestinationType="CWL",
        deliveryDestinationConfiguration={"destinationResourceArn": found["arn"]},
    )["deliveryDestination"]["arn"]
    to_xray = logs.put_delivery_destination(
        name="to-xray", deliveryDestinationType="XRAY")["deliveryDestination"]["arn"]
    made = logs.create_delivery(deliverySourceName="m-logs", deliveryDestinationArn=to_logs)
    with pytest.raises(logs.exceptions.ConflictException):
        logs.create_delivery(deliverySourceName="m-logs", deliveryDestinationArn=to_logs)
    with pytest.raises(logs.exceptions.ConflictException):
        logs.delete_delivery_source(name="m-logs")
    with pytest.raises(logs.exceptions.ConflictException):
        logs.delete_delivery_destination(name="to-logs")
    for source, destination in [("m-logs", to_xray), ("m-traces", to_logs)]:
        with pytest.raises(logs.exceptions.ValidationException):
            logs.create_delivery(deliverySourceName=source, deliveryDestinationArn=destination)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.create_delivery(deliverySourceName="nothing", deliveryDestinationArn=to_logs)
    with pytest.raises(logs.exceptions.ValidationException):
        logs.put_delivery_source(name="bad", logType="TRACES", resourceArn="memory/m")
    with pytest.raises(logs.exceptions.ValidationException):
        logs.put_delivery_destination(name="bad", deliveryDestinationType="S3")
    assert logs.get_delivery(id=made["delivery"]["id"])["delivery"] == made["delivery"]
    logs.delete_delivery(id=made["delivery"]["id"])
    logs.delete_delivery_source(name="m-logs")
    names = [item["name"] for item in logs.describe_delivery_sources()["deliverySources"]]
    assert names == ["m-traces"]
    with pytest.raises(botocore.exceptions.ClientError, match="UnknownOperationException"):
        logs.filter_log_events(logGroupName=group)


def test_lists_come_in_pages(fresh_daemon):
    logs = fresh_daemon.client("logs")
    names = [f"group-{number:02}" for number in range(7)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    pages = list(logs.get_paginator("describe_log_groups").paginate(
        PaginationConfig={"PageSize": 3}))
    assert [len(page["logGroups"]) for page in pages] == [3, 3, 1]
    assert [group["logGroupName"] for page in pages for group in page["logGroups"]] == names


def test_sampling_is_kept_by_region(fresh_daemon):
    xray = fresh_daemon.client("xray")
    assert xray.get_trace_segment_destination() | {"ResponseMetadata": 0} == \
        {"Destination": "XRay", "Status": "ACTIVE", "ResponseMetadata": 0}
    xray.update_indexing_rule(Name="Default", Rule={"Probabilistic": {
        "DesiredSamplingPercentage": 12.5}})
    rule = xray.get_indexing_rules()["IndexingRules"][0]["Rule"]["Probabilistic"]
    assert rule["DesiredSamplingPercentage"] == 12.5
    with pytest.raises(xray.exceptions.InvalidRequestException):
        xray.update_indexing_rule(Name="Default", Rule={"Probabilistic": {
            "DesiredSamplingPercentage": 101}})
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
        xray.update_indexing_rule(Name="Mine", Rule={"Probabilistic": {
            "DesiredSamplingPercentage": 1}})
    elsewhere = boto3.client(
        "xray", region_name="eu-west-1", endpoint_url=fresh_daemon.endpoint,
        aws_access_key_id=fresh_daemon.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=fresh_daemon.env["AWS_SECRET_ACCESS_KEY"])
    rule = elsewhere.get_indexing_rules()["IndexingRules"][0]["Rule"]["Probabilistic"]
    assert rule["DesiredSamplingPercentage"] == 1


def test_policies_decide_who_may_set_it(fresh_daemon):
    iam = fresh_daemon.client("iam")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "logs:Describe*", "Resource": "*"},
            {"Effect": "Allow", "Action": "logs:CreateLogGroup",
             "Resource": "arn:aws:logs:*:*:log-group:mine*"}]}))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    logs = boto3.client("logs", region_name=REGION, endpoint_url=fresh_daemon.endpoint,
                        aws_access_key_id=key["AccessKeyId"],
                        aws_secret_access_key=key["SecretAccessKey"])
    logs.describe_log_groups()
    logs.create_log_group(logGroupName="mine-1")
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        logs.create_log_group(logGroupName="theirs")
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        logs.put_resource_policy(policyName="p", policyDocument="{\"Statement\": []}")
