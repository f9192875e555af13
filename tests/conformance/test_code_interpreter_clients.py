"""The Code Interpreter through the clients that people use: the AgentCore SDK, Strands' tool, the
guide's listing. Each runs in a process of its own, as a user's would."""
import json
import os
import subprocess
import sys

import pytest

from daemon import ROOT


@pytest.fixture
def run(daemon):
    """run(code): the last line that `code` prints, as JSON."""
    def runner(code, **environment):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        ran = subprocess.run([sys.executable, "-c", code], env=env | daemon.env | environment,
                             capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout.strip().split("\n")[-1])
    return runner


def test_sdk(run):
    out = run("""
import json
from bedrock_agentcore.tools.code_interpreter_client import code_session
def last(answer):
    return [event["result"] for event in answer["stream"]]
with code_session("us-west-2") as client:
    out = {}
    client.upload_file("data.csv", "a,b\\n1,2\\n", description="numbers")
    client.upload_files([{"path": "x.bin", "content": bytes(range(256))},
                         {"path": "sub/y.txt", "content": "why"}])
    out["text"] = client.download_file("data.csv")
    files = client.download_files(["sub/y.txt", "x.bin"])
    out["files"] = sorted(files)
    out["binary"] = files["x.bin"] == bytes(range(256))
    slow = "import time\\nprint(1, flush=True)\\ntime.sleep(2)\\nprint(2)"
    out["slow"] = [r["structuredContent"]["stdout"] for r in last(client.execute_code(slow))]
    out["command"] = last(client.execute_command("echo hi"))[0]["structuredContent"]["stdout"]
    client.execute_command("head -c 30000000 /dev/zero > big; head -c 17000000 /dev/zero > fits")
    refused = last(client.invoke("readFiles", {"paths": ["big"]}))
    said = refused[0]["content"][0]["text"]
    out["big"] = [len(refused), refused[0]["isError"], "first event" in said]
    two = client.download_files(["fits", "data.csv"])
    out["fits"] = [len(two["fits"]), two["data.csv"]]
    client.execute_code("x = 1")
    client.clear_context()
    out["cleared"] = last(client.execute_code("x"))[0]["isError"]
    try:
        client.download_file("nosuch")
    except FileNotFoundError:
        out["missing"] = True
    out["session"] = client.get_session()["status"]
    out["listed"] = len(client.list_sessions(status="READY")["items"]) > 0
print(json.dumps(out))
""")
    assert out == {"text": "a,b\n1,2\n", "files": ["sub/y.txt", "x.bin"], "binary": True,
                   "slow": ["1\n2"], "command": "hi", "cleared": True, "missing": True,
                   "big": [1, True, True], "fits": [17_000_000, "a,b\n1,2\n"],
                   "session": "READY", "listed": True}


def test_sdk_control_plane(run):
    out = run("""
import json
from bedrock_agentcore.tools.code_interpreter_client import CodeInterpreter
client = CodeInterpreter("us-west-2")
made = client.create_code_interpreter(
    name="by_sdk", execution_role_arn="arn:aws:iam::000000000000:role/r",
    network_configuration={"networkMode": "SANDBOX"})
identifier = made["codeInterpreterId"]
client.start(identifier=identifier, name="s", session_timeout_seconds=60)
answer = client.invoke("executeCode", {"code": "2 ** 10", "language": "python"})
result = [event["result"] for event in answer["stream"]]
client.stop()
page = client.list_code_interpreters(interpreter_type="CUSTOM")
listed = [s["codeInterpreterId"] for s in page["codeInterpreterSummaries"]]
client.delete_code_interpreter(identifier)
print(json.dumps([result[0]["structuredContent"]["stdout"], identifier in listed]))
""")
    assert out == ["1024", True]


def test_strands_tool(run):
    out = run("""
import json
from strands_tools.code_interpreter import AgentCoreCodeInterpreter
from strands_tools.code_interpreter.models import (
    ExecuteCodeAction, ExecuteCommandAction, FileContent, InitSessionAction, LanguageType,
    ListFilesAction, ReadFilesAction, RemoveFilesAction, WriteFilesAction)
tool = AgentCoreCodeInterpreter(region="us-west-2")
out = {"init": tool.init_session(InitSessionAction(
    type="initSession", session_name="s-one", description="d"))["status"]}
run = lambda code, language=LanguageType.PYTHON: tool.execute_code(ExecuteCodeAction(
    type="executeCode", session_name="s-one", code=code, language=language))["content"][0]["text"]
said = lambda result: result["content"][0]["text"]
tool.write_files(WriteFilesAction(type="writeFiles", session_name="s-one",
                                  content=[FileContent(path="a.txt", text="seven")]))
out["python"] = run("print(open('a.txt').read())")
out["slow"] = run("import time\\nprint('begun')\\ntime.sleep(1.5)\\nprint('ended')")
out["javascript"] = run("console.log(3 * 3)", LanguageType.JAVASCRIPT)
out["command"] = tool.execute_command(ExecuteCommandAction(
    type="executeCommand", session_name="s-one", command="ls"))["content"][0]["text"]
where = {"session_name": "s-one"}
out["list"] = said(tool.list_files(ListFilesAction(type="listFiles", path=".", **where)))
out["read"] = said(tool.read_files(ReadFilesAction(type="readFiles", paths=["a.txt"], **where)))
tool.remove_files(RemoveFilesAction(type="removeFiles", paths=["a.txt"], **where))
print(json.dumps(out))
""")
    assert out["init"] == "success" and "seven" in out["python"] and "'9'" in out["javascript"]
    assert "begun\\nended" in out["slow"] and "a.txt" in out["command"]
    assert "a.txt" in out["list"] and "seven" in out["read"]


def test_the_guides_tool(run):
    """Section 5 of the guide: CodeInterpreterTool, as an agent would call it."""
    out = run("""
import json
from bedrock_agentcore.code_interpreter import CodeInterpreterTool
from strands import Agent
code_tool = CodeInterpreterTool(region_name="us-west-2")
agent = Agent(model="scripted", tools=[code_tool])
name = agent.tool_names[0]
result = getattr(agent.tool, name)(code="import statistics; statistics.mean([1, 2, 3, 4, 5])")
print(json.dumps([name, result["status"], str(result["content"])]))
""", PYTHONPATH=str(ROOT / "python"))
    assert out[1] == "success" and "3" in out[2], out


def test_mcp_tool(run):
    out = run("""
import asyncio, json, os, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
async def main():
    server = StdioServerParameters(command=sys.executable, env=dict(os.environ),
                                   args=["-m", "agentcored_compat.code_mcp"])
    async with stdio_client(server) as (reading, writing):
        async with ClientSession(reading, writing) as session:
            await session.initialize()
            tools = [tool.name for tool in (await session.list_tools()).tools]
            async def call(name, **arguments):
                return (await session.call_tool(name, arguments)).content[0].text
            await call("write_file", path="a.txt", text="seven")
            return [sorted(tools), await call("execute_code", code="print(6 * 7)"),
                    await call("execute_command", command="cat a.txt"),
                    await call("read_file", path="a.txt"), await call("list_files"),
                    await call("execute_code", code="kept = 1; 1 / 0"),
                    await call("execute_code", code="kept"),
                    await call("execute_code", code="const n: number = 8; n",
                               language="typescript")]
print(json.dumps(asyncio.run(main())))
""", PYTHONPATH=str(ROOT / "python"))
    assert out[0] == ["execute_code", "execute_command", "list_files", "read_file", "write_file"]
    assert out[1:3] == ["42", "seven"] and "seven" in out[3] and "a.txt" in out[4]
    assert "ZeroDivisionError" in out[5] and out[6:] == ["1", "8"]
