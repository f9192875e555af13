"""What ends a session and what does not: idleness as /ping tells it, updates and deletions, the
end of the daemon and of its launcher."""
import os
import signal
import threading
import time
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

import agents
from conftest import served
from daemon import REGION, command_of, descendants, eventually

IDLE_SECONDS = 2

# Its /ping answers what it was last told; the update time is always now.
PINGED = {"agent.py": '''
import http.server, json, time
state = {"status": "Healthy"}
class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def say(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.say({**state, "time_of_last_update": int(time.time())})
    def do_POST(self):
        state.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.say(state)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Agent).serve_forever()
'''}

# Says a token twice a second, for ever; or answers late.
TALKER = {"agent.py": '''
import http.server, json, time
class Agent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(asked.get("late", 0))
        self.send_response(200)
        if "late" in asked:
            self.send_header("Content-Length", "4"); self.end_headers(); self.wfile.write(b"done")
            return
        self.send_header("Content-Type", "text/event-stream"); self.end_headers()
        while True:
            self.wfile.write(b"data: more\\n\\n"); self.wfile.flush(); time.sleep(0.5)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Agent).serve_forever()
'''}


@pytest.fixture
def short_lived(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"runtime: {{idle_seconds_max: {IDLE_SECONDS}}}\n")
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


def live(daemon):
    return int(metric(daemon, "agentcored_runtime_sessions"))


def metric(daemon, name):
    text = urllib.request.urlopen(f"{daemon.endpoint}/metrics", timeout=10).read().decode()
    return float(next(line.split()[1] for line in text.split("\n") if line.startswith(name + " ")))


def test_an_update_time_that_advances_keeps_no_session(short_lived):
    runtime = agents.deploy(short_lived, PINGED)
    runtime.invoke({"status": "Healthy"})
    assert live(short_lived) == 1
    assert eventually(lambda: live(short_lived) == 0, IDLE_SECONDS + 5)


def test_an_agent_that_is_busy_keeps_its_session_until_it_is_done(short_lived):
    runtime = agents.deploy(short_lived, PINGED)
    session = agents.session_id()
    runtime.invoke({"status": "HealthyBusy", "mark": 1}, session)
    time.sleep(3 * IDLE_SECONDS)
    assert live(short_lived) == 1
    assert runtime.invoke({"status": "Healthy"}, session)["mark"] == 1  # the same process
    assert eventually(lambda: live(short_lived) == 0, IDLE_SECONDS + 5)


def test_an_invocation_keeps_its_session_however_long_it_takes(short_lived):
    runtime = agents.deploy(short_lived, TALKER)
    assert runtime.invoke({"late": 3 * IDLE_SECONDS}) == b"done"


def test_an_update_leaves_sessions_on_their_version_and_deletion_ends_them(fresh_daemon):
    runtime = agents.deploy(fresh_daemon, PINGED)
    session = agents.session_id()
    runtime.invoke({"mark": 1}, session)
    runtime.control.update_agent_runtime(
        agentRuntimeId=runtime.id, roleArn=agents.ROLE,
        networkConfiguration={"networkMode": "PUBLIC"},
        agentRuntimeArtifact=agents.upload(fresh_daemon, agents.zip_of(TALKER)))
    assert runtime.wait()["status"] == "READY"
    assert runtime.invoke({}, session)["mark"] == 1
    assert runtime.invoke({"late": 0}) == b"done"  # a new session has the new version
    runtime.delete()
    assert eventually(lambda: live(fresh_daemon) == 0, 15)
    with pytest.raises(ClientError) as caught:
        runtime.invoke({}, session)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_what_is_under_way_ends_before_the_daemon_and_streams_do_not_hold_it(fresh_daemon):
    runtime = agents.deploy(fresh_daemon, TALKER)
    runtime.invoke({"late": 0})
    answers = {}

    def late():
        answers["late"] = runtime.invoke({"late": 2})

    def endless():
        try:
            response = runtime.open({})
            answers["first"] = response["response"].read(4)
            while response["response"].read(1):
                pass
            answers["stream"] = "ended"
        except (BotoCoreError, OSError) as error:
            answers["stream"] = error

    def follow():
        request = AWSRequest("GET", f"{fresh_daemon.endpoint}/x/runtimes/{runtime.id}/logs",
                             params={"follow": "true"})
        SigV4Auth(Credentials(fresh_daemon.env["AWS_ACCESS_KEY_ID"],
                              fresh_daemon.env["AWS_SECRET_ACCESS_KEY"]),
                  "bedrock-agentcore", REGION).add_auth(request)
        sent = request.prepare()
        with urllib.request.urlopen(urllib.request.Request(
                sent.url, headers=dict(sent.headers)), timeout=60) as response:
            answers["log"] = response.status
            answers["lines"] = response.read()

    threads = [threading.Thread(target=work) for work in (late, endless, follow)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: "first" in answers and "log" in answers, 10), answers
    time.sleep(0.5)
    began = time.monotonic()
    assert fresh_daemon.stop() == 0, fresh_daemon.log_tail()
    took = time.monotonic() - began
    for thread in threads:
        thread.join(30)
    assert answers["late"] == b"done"
    assert took < 12, f"the daemon took {took:.1f} s to end"


def launcher_of(daemon):
    """The daemon's child that is its own program."""
    return next(pid for pid in descendants(daemon.pid) if "agentcored" in command_of(pid))


def test_without_its_launcher_the_daemon_does_not_pretend(fresh_daemon):
    runtime = agents.deploy(fresh_daemon, PINGED)
    runtime.invoke({})
    os.kill(launcher_of(fresh_daemon), signal.SIGKILL)
    # Whoever supervises it starts it again.
    assert eventually(lambda: not fresh_daemon.running(), 20), fresh_daemon.log_tail()
    assert fresh_daemon.process.returncode not in (0, None)
    fresh_daemon.start()
    again = agents.Runtime(fresh_daemon, {"agentRuntimeId": runtime.id,
                                          "agentRuntimeArn": runtime.arn})
    assert again.invoke({"mark": 2})["mark"] == 2


def test_the_largest_environment_starts_and_a_larger_one_is_refused(daemon):
    most = {f"N{i:02}": "v" * 5000 for i in range(50)}
    runtime = agents.deploy(daemon, agents.PUPPET_FILES, environmentVariables=most)
    found = runtime.invoke({"do": "environment"})["environment"]
    assert all(found[name] == value for name, value in most.items())
    with pytest.raises(ClientError) as caught:
        agents.create(daemon, agents.PUPPET_FILES, environmentVariables={
            f"N{i:02}": "\u20ac" * 5000 for i in range(50)})
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException" and "bytes together" in error["Message"]
