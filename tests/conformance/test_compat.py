"""The compatibility package of python/ against the real packages; no daemon answers here."""
import json
import os
import subprocess
import sys

import pytest
from daemon import ROOT

PYTHON = ROOT / "python"


def run(code, **environment):
    """The last line that `code` prints, as JSON, in a Python that has the package on its path."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    env |= {"PYTHONPATH": str(PYTHON), "AWS_REGION": "us-west-2",
            "AWS_DEFAULT_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"} | environment
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True,
                         timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.strip().split("\n")[-1])


def test_guides_imports_work():
    assert run("""
import json
from bedrock_agentcore.browser import BrowserTool
from bedrock_agentcore.code_interpreter import CodeInterpreterTool
from bedrock_agentcore.identity import IdentityClient, requires_api_key
from bedrock_agentcore.runtime import BedrockAgentCoreApp
print(json.dumps([BrowserTool(region_name="us-west-2", timeout=30).timeout,
                  CodeInterpreterTool(region_name="us-west-2").region_name,
                  IdentityClient(region_name="us-west-2").region]))
""") == [30, "us-west-2", "us-west-2"]


def test_without_it_they_do_not():
    code = "import bedrock_agentcore.browser"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(PYTHON), "AGENTCORED_COMPAT": "0"})
    assert ran.returncode != 0 and "ModuleNotFoundError" in ran.stderr


def test_agents_take_the_tools():
    assert run("""
import json
from strands import Agent
from bedrock_agentcore.browser import BrowserTool
from bedrock_agentcore.code_interpreter import CodeInterpreterTool
agent = Agent(model="...", tools=[BrowserTool(region_name="us-west-2", timeout=30),
                                  CodeInterpreterTool(region_name="us-west-2")])
print(json.dumps(sorted(agent.tool_names)))
""") == ["browser", "code_interpreter"]


def test_node_results_have_a_message():
    assert run("""
import json
from strands.agent.agent_result import AgentResult
from strands.multiagent.base import NodeResult
from strands.telemetry.metrics import EventLoopMetrics
message = {"role": "assistant", "content": [{"text": "done"}]}
result = AgentResult(stop_reason="end_turn", message=message, metrics=EventLoopMetrics(), state={})
print(json.dumps(NodeResult(result=result).message["content"][0]["text"]))
""") == "done"


def test_a_failed_node_says_why_it_has_none():
    assert "boom" in run("""
import json
from strands.multiagent.base import NodeResult
try:
    NodeResult(result=RuntimeError("boom")).message
except AttributeError as error:
    print(json.dumps(str(error)))
""")


def test_boto3_leaves_to_the_server_what_the_server_takes():
    assert run("""
import json, boto3, botocore
from botocore.validate import validate_parameters
data = boto3.client("bedrock-agentcore")
shape = data.meta.service_model.operation_model("InvokeAgentRuntime").input_shape
validate_parameters({"agentRuntimeArn": "arn", "payload": b"{}",
                     "runtimeSessionId": "session-123"}, shape)
control = boto3.client("bedrock-agentcore-control")
shape = control.meta.service_model.operation_model("CreateGatewayTarget").input_shape
tool = {"name": "calculate", "description": "d", "inputSchema": {
    "type": "object", "required": ["operation"], "properties": {
        "operation": {"type": "string", "enum": ["add", "subtract"]}}}}
validate_parameters({"gatewayIdentifier": "gateway-1", "name": "Target", "targetConfiguration": {
    "mcp": {"lambda": {"toolSchema": {"inlinePayload": [tool]}}}}}, shape)
print(json.dumps("fine"))
""") == "fine"


@pytest.mark.parametrize("call", ["CodeInterpreterTool(region_name='us-west-2').execute('1')",
                                  "BrowserTool(region_name='us-west-2').act('navigate')"])
def test_errors_of_the_service_come_through(daemon, call):
    code = f"""
import json
from botocore.exceptions import ClientError
from bedrock_agentcore.browser import BrowserTool
from bedrock_agentcore.code_interpreter import CodeInterpreterTool
try:
    {call}
    print(json.dumps("worked"))
except (ClientError, ImportError) as error:
    code = getattr(error, "response", {{}}).get("Error", {{}}).get("Code", type(error).__name__)
    print(json.dumps(code))
"""
    said = run(code, **daemon.env)
    assert said == "worked" or "Exception" in said or said.startswith("ImportError"), said


def test_another_sitecustomize_has_its_turn(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.other_was_run = True\n")
    assert run("import json, sys\nprint(json.dumps(sys.other_was_run))",
               PYTHONPATH=f"{PYTHON}{os.pathsep}{tmp_path}") is True
