"""InvokeAgentRuntime and StopRuntimeSession, through boto3."""
import concurrent.futures
import hashlib
import os

import pytest
from botocore.exceptions import ClientError

import agents


def code_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


def test_json_in_json_out(puppet):
    session = agents.session_id()
    response = puppet.open({"do": "echo", "text": "grüß"}, session)
    assert response["statusCode"] == 200
    assert response["contentType"] == "application/json"
    assert response["runtimeSessionId"] == session
    assert response["response"].read().decode() == (
        '{"echo": {"do": "echo", "text": "gr\\u00fc\\u00df"}, "session": "%s"}' % session)


def test_any_content_type_passes_unchanged(puppet):
    body = os.urandom(1000)
    response = puppet.open(body, contentType="image/png", accept="image/*")
    assert response["contentType"] == "image/png"
    assert response["response"].read() == body


def test_an_endpoint_is_named_by_qualifier(puppet):
    assert puppet.invoke({"do": "echo"}, qualifier="DEFAULT")["echo"]
    assert code_of(
        puppet.open, {"do": "echo"}, qualifier="nowhere") == "ResourceNotFoundException"


def test_a_bare_id_with_the_account_is_enough(puppet):
    account = puppet.arn.split(":")[4]
    response = puppet.data.invoke_agent_runtime(
        agentRuntimeArn=puppet.id, accountId=account, contentType="application/json",
        runtimeSessionId=agents.session_id(), payload=b'{"do": "echo"}')
    assert response["statusCode"] == 200


def test_tokens_arrive_one_by_one(puppet):
    """The agent gives the next token only when told so, and is told only after the last arrived."""
    session = agents.session_id()
    response = puppet.open({"do": "tokens", "count": 5}, session)
    assert response["contentType"].startswith("text/event-stream")
    assert agents.next_event(response) == "first"
    for number in range(5):
        puppet.invoke({"do": "open", "gate": number}, session)
        assert agents.next_event(response) == f"token {number}"
    assert response["response"].read() == b""


def test_a_session_remembers(puppet):
    session = agents.session_id()
    puppet.invoke({"do": "remember", "values": {"a": 1}}, session)
    assert puppet.invoke({"do": "recall"}, session)["values"] == {"a": 1}
    first = puppet.invoke({"do": "look"}, session)
    assert puppet.invoke({"do": "look"}, session)["start"] == first["start"]


def test_two_sessions_share_nothing(puppet):
    one, two = agents.session_id(), agents.session_id()
    puppet.invoke({"do": "remember", "values": {"secret": 1}}, one)
    assert puppet.invoke({"do": "recall"}, two)["values"] == {}
    for path in ("/work/note.txt", "/tmp/note.txt", "/dev/shm/note.txt"):
        puppet.invoke({"do": "write", "path": path, "text": "mine"}, one)
        assert puppet.invoke({"do": "read", "path": path}, one)["text"] == "mine"
        assert puppet.invoke({"do": "read", "path": path}, two)["text"] is None
    seen = [puppet.invoke({"do": "look"}, session) for session in (one, two)]
    for name in seen[0]["namespaces"]:
        assert seen[0]["namespaces"][name] != seen[1]["namespaces"][name], name
    for look in seen:
        assert len(look["processes"]) <= 3, "a session sees its own processes only"
        assert look["uid"] != 0 or look["namespaces"]["user"] != os.readlink("/proc/self/ns/user")


def test_a_session_sees_no_credential_of_the_platform(puppet, daemon):
    environment = puppet.invoke({"do": "environment"})["environment"]
    # The key that stock clients want: the same in every agent, of use to its own listener only.
    assert environment.pop("AWS_SECRET_ACCESS_KEY") == "the-listener-says-who-calls"
    for name, value in environment.items():
        assert daemon.env["AWS_SECRET_ACCESS_KEY"] not in value
        assert "SECRET" not in name
    key_file = str(daemon.data_dir / "root-access-key.json")
    assert puppet.invoke({"do": "read", "path": key_file})["text"] is None


def test_a_stopped_session_starts_anew(puppet):
    session = agents.session_id()
    puppet.invoke({"do": "remember", "values": {"a": 1}}, session)
    puppet.stop(session)
    assert puppet.invoke({"do": "recall"}, session)["values"] == {}
    puppet.stop(session)
    assert code_of(puppet.stop, session) == "ResourceNotFoundException"


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_agent_is_its_callers(puppet, status):
    with pytest.raises(ClientError) as caught:
        puppet.invoke({"do": "fail", "status": status, "body": {"error": "my own words"}})
    response = caught.value.response
    assert response["Error"]["Code"] == "RuntimeClientError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert "my own words" in response["Error"]["Message"]


def test_headers_that_agents_get(puppet):
    session = agents.session_id()
    headers = puppet.invoke(
        {"do": "headers"}, session, accept="application/json", runtimeUserId="user-7")["headers"]
    assert headers["x-amzn-bedrock-agentcore-runtime-session-id"] == session
    assert headers["accept"] == "application/json"
    assert "authorization" not in headers, "the caller's signature is not the agent's business"
    assert "x-amz-date" not in headers


def test_requests_of_one_session_run_side_by_side(puppet):
    session = agents.session_id()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda n: puppet.invoke({"do": "echo", "n": n}, session)["echo"]["n"], range(32)))
    assert answers == list(range(32))


def test_many_sessions_at_once(puppet):
    sessions = [agents.session_id() for _ in range(24)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(
            lambda session: puppet.invoke({"do": "echo"}, session)["session"], sessions))
    assert answers == sessions
    for session in sessions:
        puppet.stop(session)


LARGE = 64 << 20


def test_large_bodies_pass_both_ways_in_bounded_memory(puppet, daemon):
    session = agents.session_id()
    puppet.invoke({"do": "echo"}, session)
    before = daemon.memory_bytes()
    body = os.urandom(1 << 20) * (LARGE >> 20)
    response = puppet.open(body, session, contentType="application/octet-stream")
    digest = hashlib.sha256()
    peak = before
    for chunk in response["response"].iter_chunks(1 << 20):
        digest.update(chunk)
        peak = max(peak, daemon.memory_bytes())
    assert digest.digest() == hashlib.sha256(body).digest()
    assert peak - before < 24 << 20, f"grew by {(peak - before) >> 20} MiB"


def test_over_the_largest_body_is_refused(puppet):
    with pytest.raises(ClientError) as caught:
        puppet.open(bytes(100_000_001), contentType="application/octet-stream")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert puppet.invoke({"do": "echo"})["echo"]


def test_an_agent_written_as_in_the_guide(app):
    session = agents.session_id()
    assert app.invoke({"prompt": "Hello"}, session) == {
        "message": "You said: Hello", "session": session}
    with pytest.raises(ClientError) as caught:
        app.invoke({"prompt": "x", "fail": "on purpose"}, session)
    assert caught.value.response["Error"]["Code"] == "RuntimeClientError"
    assert "on purpose" in caught.value.response["Error"]["Message"]
