"""The Code Interpreter through boto3: both planes, every tool."""
import base64
import hashlib
import io
import time
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

SYSTEM = "aws.codeinterpreter.v1"


class Session:
    """A session of the system's interpreter, or of `interpreter`."""

    def __init__(self, daemon, interpreter=SYSTEM, **arguments):
        self.client = daemon.client("bedrock-agentcore")
        self.interpreter = interpreter
        self.started = self.client.start_code_interpreter_session(
            codeInterpreterIdentifier=interpreter, **arguments)
        self.id = self.started["sessionId"]

    def stream(self, tool, **arguments):
        return self.client.invoke_code_interpreter(
            codeInterpreterIdentifier=self.interpreter, sessionId=self.id, name=tool,
            arguments=arguments)["stream"]

    def call(self, tool, **arguments):
        """The last event's result."""
        return list(self.stream(tool, **arguments))[-1]["result"]

    def run(self, code, language="python", **arguments):
        return self.call("executeCode", code=code, language=language, **arguments)

    def stop(self):
        return self.client.stop_code_interpreter_session(
            codeInterpreterIdentifier=self.interpreter, sessionId=self.id)

    def view(self):
        return self.client.get_code_interpreter_session(
            codeInterpreterIdentifier=self.interpreter, sessionId=self.id)


def text(result):
    return "\n".join(b["text"] for b in result["content"] if b["type"] == "text")


@pytest.fixture(scope="module")
def session(daemon):
    made = Session(daemon, name="tests")
    yield made
    made.stop()


@pytest.fixture
def fresh(daemon):
    made = Session(daemon)
    yield made
    made.stop()


def error_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


# -- control plane


def test_an_interpreter_lives_from_create_to_delete(daemon):
    control = daemon.client("bedrock-agentcore-control")
    name = "made_" + uuid.uuid4().hex[:8]
    made = control.create_code_interpreter(
        name=name, description="mine", networkConfiguration={"networkMode": "SANDBOX"},
        tags={"team": "data"})
    interpreter = made["codeInterpreterId"]
    assert interpreter.startswith(name + "-") and made["status"] in ("CREATING", "READY")
    assert f":code-interpreter-custom/{interpreter}" in made["codeInterpreterArn"]
    got = control.get_code_interpreter(codeInterpreterId=interpreter)
    assert (got["name"], got["description"], got["status"]) == (name, "mine", "READY")
    assert got["networkConfiguration"] == {"networkMode": "SANDBOX"}
    arn = made["codeInterpreterArn"]
    assert control.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "data"}
    control.tag_resource(resourceArn=arn, tags={"a": "b"})
    control.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert control.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    assert error_of(control.create_code_interpreter, name=name, networkConfiguration={
        "networkMode": "SANDBOX"}) == "ConflictException"

    session = Session(daemon, interpreter)
    assert session.run("6 * 7")["structuredContent"]["stdout"] == "42"
    gone = control.delete_code_interpreter(codeInterpreterId=interpreter)
    assert gone["status"] == "DELETING"
    assert error_of(control.get_code_interpreter,
                    codeInterpreterId=interpreter) == "ResourceNotFoundException"
    deadline = time.monotonic() + 10
    while session.view()["status"] != "TERMINATED":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_systems_interpreter_says_which_python_it_has(daemon, session):
    told = daemon.client("bedrock-agentcore-control").get_code_interpreter(
        codeInterpreterId=SYSTEM)["description"]
    version = text(session.run("import sys; print('%d.%d.%d' % sys.version_info[:3])"))
    assert f"Python {version}" in told and "JavaScript and TypeScript in" in told


def test_the_same_client_token_makes_one_interpreter(daemon):
    control = daemon.client("bedrock-agentcore-control")
    wanted = {"name": "once_" + uuid.uuid4().hex[:8], "clientToken": str(uuid.uuid4()),
              "networkConfiguration": {"networkMode": "SANDBOX"}}
    first = control.create_code_interpreter(**wanted)
    assert control.create_code_interpreter(**wanted)["codeInterpreterId"] == first[
        "codeInterpreterId"]
    assert error_of(control.create_code_interpreter,
                    **{**wanted, "description": "other"}) == "ValidationException"


def test_lists_tell_system_from_custom(daemon):
    control = daemon.client("bedrock-agentcore-control")
    made = {control.create_code_interpreter(
        name=f"listed_{i}_" + uuid.uuid4().hex[:8],
        networkConfiguration={"networkMode": "SANDBOX"})["codeInterpreterId"] for i in range(3)}
    system = control.list_code_interpreters(type="SYSTEM")["codeInterpreterSummaries"]
    assert [s["codeInterpreterId"] for s in system] == [SYSTEM]
    assert system[0]["codeInterpreterArn"].endswith(f":aws:code-interpreter/{SYSTEM}")
    custom, token = [], {}
    while True:
        page = control.list_code_interpreters(type="CUSTOM", maxResults=2, **token)
        assert len(page["codeInterpreterSummaries"]) <= 2
        custom += [s["codeInterpreterId"] for s in page["codeInterpreterSummaries"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert made <= set(custom) and SYSTEM not in custom and len(custom) == len(set(custom))
    assert error_of(control.delete_code_interpreter,
                    codeInterpreterId=SYSTEM) == "AccessDeniedException"


# -- sessions


def test_a_session_is_ready_until_it_is_stopped(daemon):
    session = Session(daemon, name="mine", sessionTimeoutSeconds=77)
    view = session.view()
    assert (view["status"], view["name"], view["sessionTimeoutSeconds"]) == ("READY", "mine", 77)
    assert session.id.isalnum() and len(session.id) <= 40
    listed = session.client.list_code_interpreter_sessions(
        codeInterpreterIdentifier=SYSTEM, status="READY", maxResults=100)["items"]
    assert session.id in [s["sessionId"] for s in listed]
    stopped = session.stop()
    assert stopped["sessionId"] == session.id and stopped["lastUpdatedAt"]
    assert session.view()["status"] == "TERMINATED"
    assert error_of(session.run, "1") == "ResourceNotFoundException"
    ended = session.client.list_code_interpreter_sessions(
        codeInterpreterIdentifier=SYSTEM, status="TERMINATED", maxResults=100)["items"]
    assert session.id in [s["sessionId"] for s in ended]
    session.stop()  # again: it is stopped


def test_sessions_page_newest_first(daemon):
    control = daemon.client("bedrock-agentcore-control")
    interpreter = control.create_code_interpreter(
        name="paged_" + uuid.uuid4().hex[:8],
        networkConfiguration={"networkMode": "SANDBOX"})["codeInterpreterId"]
    made = [Session(daemon, interpreter) for _ in range(3)]
    client, seen, token = made[0].client, [], {}
    while True:
        page = client.list_code_interpreter_sessions(
            codeInterpreterIdentifier=interpreter, maxResults=1, **token)
        seen += [s["sessionId"] for s in page["items"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert sorted(seen) == sorted(s.id for s in made)
    for session in made:
        session.stop()


def test_a_client_token_starts_one_session(daemon):
    token = str(uuid.uuid4())
    first = Session(daemon, clientToken=token)
    assert Session(daemon, clientToken=token).id == first.id
    first.stop()


def test_a_session_ends_when_its_time_is_over(daemon):
    session = Session(daemon, sessionTimeoutSeconds=1)
    deadline = time.monotonic() + 10
    while session.view()["status"] != "TERMINATED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert error_of(session.run, "1") == "ResourceNotFoundException"


def test_what_does_not_exist_is_not_found(daemon, session):
    client = session.client
    assert error_of(client.start_code_interpreter_session,
                    codeInterpreterIdentifier="nosuch-aaaaaaaaaa") == "ResourceNotFoundException"
    assert error_of(client.get_code_interpreter_session, codeInterpreterIdentifier=SYSTEM,
                    sessionId="nosuch") == "ResourceNotFoundException"
    assert error_of(client.invoke_code_interpreter, codeInterpreterIdentifier=SYSTEM,
                    sessionId="nosuch", name="executeCode",
                    arguments={"code": "1"}) == "ResourceNotFoundException"


def test_sessions_are_strangers_to_one_another(daemon, session):
    other = Session(daemon)
    session.run("secret = 1\nopen('mine.txt', 'w').write('x')")
    assert other.run("secret")["isError"] is True
    assert other.run("import os; os.listdir('.')")["structuredContent"]["stdout"] == "[]"
    other.stop()


# -- executeCode, Python


def test_output_and_last_expression(session):
    result = session.run("print('hello')\n1 + 1")
    assert result["isError"] is False
    assert result["content"][0] == {"type": "text", "text": "hello\n2"}
    structured = result["structuredContent"]
    assert structured["stdout"] == "hello\n2" and structured["stderr"] == ""
    assert structured["exitCode"] == 0 and 0 <= structured["executionTime"] < 10


def test_state_is_kept_until_it_is_cleared(session):
    session.run("kept = 41")
    assert session.run("kept + 1")["structuredContent"]["stdout"] == "42"
    assert session.run("kept", clearContext=True)["isError"] is True
    assert "NameError" in text(session.run("kept"))


def test_an_exception_is_a_result_with_its_traceback(session):
    result = session.run("def f():\n    raise ValueError('no')\nf()")
    assert result["isError"] is True and result["structuredContent"]["exitCode"] == 1
    for wanted in ("Traceback (most recent call last)", "raise ValueError('no')",
                   "ValueError: no", "line 2"):
        assert wanted in result["structuredContent"]["stderr"] and wanted in text(result)
    assert "agentcored" not in text(result)
    assert "SyntaxError" in text(session.run("for for"))


def test_top_level_await(session):
    code = "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 'awaited'\n"
    assert session.run(code + "await f()")["structuredContent"]["stdout"] == "'awaited'"


def test_input_fails_clearly(session):
    result = session.run("name = input('your name? ')")
    assert result["isError"] is True and "input() is not supported" in text(result)


def test_sys_exit_ends_the_execution_only(session):
    session.run("before = 1")
    assert session.run("import sys; sys.exit(3)")["structuredContent"]["exitCode"] == 3
    assert session.run("before")["structuredContent"]["stdout"] == "1"


def test_output_arrives_while_the_code_runs(session):
    start = time.monotonic()
    code = "import time\nfor i in range(4):\n    print('tick', i)\n    time.sleep(0.7)\n'end'"
    times, events = [], []
    for event in session.stream("executeCode", code=code, language="python"):
        times.append(time.monotonic() - start)
        events.append(event["result"])
    assert len(events) >= 2 and times[0] < 2 < times[-1]
    assert all(e["structuredContent"]["taskStatus"] == "working" for e in events[:-1])
    assert "taskStatus" not in events[-1]["structuredContent"]
    assert events[-1]["structuredContent"]["stdout"].split() == [
        "tick", "0", "tick", "1", "tick", "2", "tick", "3", "'end'"]


def test_native_output_is_captured(session):
    result = session.run("import os, subprocess\nos.system('echo from a shell')\n"
                         "subprocess.run(['sh', '-c', 'echo err >&2']);")
    assert "from a shell" in result["structuredContent"]["stdout"]
    assert result["structuredContent"]["stderr"] == "err"


def test_data_frames_and_figures(session):
    result = session.run("import pandas as pd\npd.DataFrame({'a': [1, 2]})")
    assert result["isError"] is False, text(result)
    html = [b["resource"] for b in result["content"] if b["type"] == "resource"]
    assert html and html[0]["mimeType"] == "text/html" and "<table" in html[0]["text"]
    assert "0  1" in text(result)
    result = session.run("import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()\n"
                         "print('shown')")
    images = [b for b in result["content"] if b["type"] == "image"]
    assert len(images) == 1 and images[0]["mimeType"] == "image/png"
    assert images[0]["data"].startswith(b"\x89PNG") and "shown" in text(result)


def test_the_packages_of_the_image(session):
    code = ("import numpy, pandas, matplotlib, scipy, sklearn, openpyxl, PIL, requests\n"
            "from sklearn.linear_model import LinearRegression\n"
            "round(float(LinearRegression().fit([[1], [2]], [2, 4]).predict([[3]])[0]), 6)")
    result = session.run(code)
    assert result["isError"] is False, text(result)
    assert result["structuredContent"]["stdout"] == "6.0"


# -- executeCode, JavaScript and TypeScript


def test_javascript_keeps_state_and_awaits(session):
    assert session.run("const a = 20; let b = 1; a + b",
                       "javascript")["structuredContent"]["stdout"] == "21"
    result = session.run("const a = 2; console.log(a * b); await Promise.resolve({ x: [b] })",
                         "javascript")
    assert result["structuredContent"]["stdout"] == "2\n{ x: [ 1 ] }"
    failed = session.run("null.x", "javascript", runtime="nodejs")
    assert failed["isError"] is True and "TypeError" in text(failed)


def test_typescript_types_are_stripped(session):
    code = ("import { join } from 'node:path';\ninterface P { x: number }\n"
            "enum E { A = 5 }\nconst p: P = { x: E.A };\njoin('a', String(p.x))")
    result = session.run(code, "typescript")
    assert result["structuredContent"]["stdout"] == "'a/5'", text(result)


def test_a_runtime_that_does_not_fit_is_refused(session):
    assert error_of(session.run, "1", runtime="nodejs") == "ValidationException"
    assert error_of(session.run, "1", "javascript", runtime="python") == "ValidationException"


# -- commands and tasks


def test_commands(session):
    result = session.call("executeCommand", command="echo out; echo err >&2; exit 4")
    assert result["isError"] is True
    structured = result["structuredContent"]
    assert (structured["stdout"], structured["stderr"], structured["exitCode"]) == (
        "out", "err", 4)
    assert text(session.call("executeCommand", command="pwd")) == "/work"


def test_tasks(session):
    started = session.call("startCommandExecution", command="echo begun; sleep 30")
    task = started["structuredContent"]["taskId"]
    assert started["structuredContent"]["taskStatus"] == "submitted"
    deadline = time.monotonic() + 10
    while "begun" not in session.call("getTask", taskId=task)["structuredContent"]["stdout"]:
        assert time.monotonic() < deadline
    assert session.call("getTask", taskId=task)["structuredContent"]["taskStatus"] == "working"
    stopped = session.call("stopTask", taskId=task)
    assert stopped["structuredContent"]["taskStatus"] == "canceled"
    done = session.call("startCommandExecution", command="exit 3")["structuredContent"]["taskId"]
    while (view := session.call("getTask", taskId=done)["structuredContent"])[
            "taskStatus"] == "working":
        assert time.monotonic() < deadline
    assert (view["taskStatus"], view["exitCode"]) == ("failed", 3)
    assert session.call("getTask", taskId="nosuch")["isError"] is True


# -- files


def test_files_go_in_and_out(session):
    blob = bytes(range(256)) * 10
    wrote = session.call("writeFiles", content=[
        {"path": "in/data.csv", "text": "a,b\n1,2\n"}, {"path": "raw.bin", "blob": blob}])
    assert text(wrote) == "Successfully wrote all 2 files" and wrote["isError"] is False
    assert session.run("open('in/data.csv').read()")["structuredContent"][
        "stdout"] == "'a,b\\n1,2\\n'"
    read = session.call("readFiles", paths=["in/data.csv", "raw.bin"])
    first, second = [b["resource"] for b in read["content"]]
    assert first["text"] == "a,b\n1,2\n" and first["mimeType"] == "text/csv"
    assert first["uri"] == "file://in/data.csv" and second["blob"] == blob
    listed = session.call("listFiles", directoryPath="")["content"]
    by_name = {entry["name"]: entry for entry in listed}
    assert all(entry["type"] == "resource_link" for entry in listed)
    assert by_name["in"]["description"] == "Directory" and "mimeType" not in by_name["in"]
    assert by_name["raw.bin"]["uri"] == "file:///raw.bin"
    assert (by_name["raw.bin"]["description"], by_name["raw.bin"]["size"]) == ("File", 2560)
    assert session.call("removeFiles", paths=["raw.bin", "in"])["isError"] is False
    assert session.call("readFiles", paths=["raw.bin"])["isError"] is True


def test_a_file_of_100_mb_goes_in_and_out(session):
    data = bytes(bytearray(range(256))) * 390_625  # 100 MB
    assert len(data) == 100_000_000
    assert session.call("writeFiles", content=[{"path": "large", "blob": data}])["isError"] is False
    code = "import hashlib\nhashlib.sha256(open('large', 'rb').read()).hexdigest()"
    assert hashlib.sha256(data).hexdigest() in text(session.run(code))
    events = [event["result"] for event in session.stream("readFiles", paths=["large"])]
    blocks = [block for result in events for block in result["content"]]
    assert len(events) > 1 and {block["resource"]["uri"] for block in blocks} == {"file://large"}
    assert [event["structuredContent"]["taskStatus"] for event in events[:-1]] == [
        "working"] * (len(events) - 1) and "structuredContent" not in events[-1]
    assert b"".join(block["resource"]["blob"] for block in blocks) == data
    # What fits into an event is whole in it.
    session.run("open('medium', 'wb').write(b'\\0' * 17_000_000)")
    whole = session.call("readFiles", paths=["medium"])["content"]
    assert [len(block["resource"]["blob"]) for block in whole] == [17_000_000]
    session.call("removeFiles", paths=["large", "medium"])


def test_large_text_goes_in_and_out(session):
    long = "\u20ac" * 1_000_000  # 3 MB without an escape, and with
    for content in (long, long + "\n\"" + long):
        session.call("writeFiles", content=[{"path": "a", "text": "x"},
                                            {"path": "long", "text": content}])
        read = session.call("readFiles", paths=["long"])["content"]
        assert read[0]["resource"]["text"] == content
    code = "s = '" + "x" * 2_000_000 + "'\nlen(s)"
    assert session.run(code)["structuredContent"]["stdout"] == "2000000"


def test_a_file_over_the_limit_is_refused(session):
    with pytest.raises(ClientError) as caught:
        session.call("writeFiles", content=[{"path": "x", "blob": bytes(100_000_001)}])
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "100000000" in caught.value.response["Error"]["Message"]


def test_packages_are_installed_into_the_session(session):
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "tinything-1.0.dist-info/"
        archive.writestr("tinything/__init__.py", "answer = 42\n")
        archive.writestr(info + "METADATA",
                         "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\n"
                                         "Root-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    name = "tinything-1.0-py3-none-any.whl"
    assert session.run("import tinything")["isError"] is True
    session.call("writeFiles", content=[{"path": name, "blob": wheel.getvalue()}])
    installed = session.run(f"%pip install --no-index ./{name}")
    assert installed["isError"] is False, text(installed)
    assert session.run("import tinything; tinything.answer")["structuredContent"]["stdout"] == "42"
    command = "python -c 'import tinything; print(tinything.answer)'"
    assert text(session.call("executeCommand", command=command)) == "42"


def test_lines_of_notebooks(session):
    run = session.run("%matplotlib inline\n!echo from the shell\n6 * 7")
    assert run["structuredContent"]["stdout"] == "from the shell\n42"
    assert "no magic %timeit" in text(session.run("%timeit 1"))


def test_paths_stay_in_the_folder(session):
    for path in ("../etc/passwd", "/etc/passwd", "a/../../x", "bad\0name"):
        assert session.call("readFiles", paths=[path])["isError"] is True, path
        refused = session.call("writeFiles", content=[{"path": path, "text": "x"}])
        assert refused["isError"] is True, path
    session.run("import os\nos.symlink('/etc', 'link')\nos.mkfifo('fifo')")
    assert session.call("readFiles", paths=["link/passwd"])["isError"] is True
    assert session.call("listFiles", directoryPath="link")["isError"] is True
    assert session.call("readFiles", paths=["fifo"])["isError"] is True
    assert session.call("removeFiles", paths=["link", "fifo"])["isError"] is False


def test_arguments_that_are_missing_are_named(session):
    for tool in ("executeCode", "executeCommand", "readFiles", "writeFiles", "removeFiles",
                 "startCommandExecution", "getTask", "stopTask"):
        assert error_of(session.call, tool) == "ValidationException", tool
    assert error_of(session.call, "writeFiles", content=[
        {"path": "x"}]) == "ValidationException"


def test_the_stream_names_the_session(daemon, session):
    answer = session.client.invoke_code_interpreter(
        codeInterpreterIdentifier=SYSTEM, sessionId=session.id, name="executeCode",
        arguments={"code": "1"})
    assert answer["sessionId"] == session.id
    assert len(list(answer["stream"])) == 1
