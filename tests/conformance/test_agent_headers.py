"""Which header fields of a caller reach an agent, and which of an agent's reach the caller."""
import pytest
from botocore.exceptions import ClientError

import agents

CUSTOM = "X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tone"
TRACE = {"traceParent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
         "traceState": "vendor=1", "baggage": "user=7,tier=gold",
         "traceId": "Root=1-5759e988-bd862e3fe1be46a994272793"}
NAMES = {"traceParent": "traceparent", "traceState": "tracestate", "baggage": "baggage",
         "traceId": "x-amzn-trace-id"}


@pytest.fixture(scope="module")
def listed(deployed):
    return deployed(agents.PUPPET_FILES, name="listed", requestHeaderConfiguration={
        "requestHeaderAllowlist": ["X-Mine", "Cookie", CUSTOM]})


def seen_by(runtime, **headers):
    """What the agent gets when the SDK's caller adds these fields."""
    def add(request, **_):
        for name, value in headers.items():
            request.headers[name] = value
    events = runtime.data.meta.events
    events.register("before-sign.bedrock-agentcore.InvokeAgentRuntime", add)
    try:
        return runtime.invoke({"do": "headers"})["headers"]
    finally:
        events.unregister("before-sign.bedrock-agentcore.InvokeAgentRuntime", add)


def test_listed_fields_pass_whatever_their_case(listed):
    seen = seen_by(listed, **{"x-mine": "yes", "cookie": "a=b", CUSTOM: "kind", "X-Other": "no"})
    assert (seen["x-mine"], seen["cookie"], seen[CUSTOM.lower()]) == ("yes", "a=b", "kind")
    assert "x-other" not in seen


def test_custom_fields_pass_without_a_list(puppet):
    seen = seen_by(puppet, **{CUSTOM: "kind", "X-Mine": "no"})
    assert seen[CUSTOM.lower()] == "kind"
    assert "x-mine" not in seen


def test_what_is_the_platforms_cannot_be_forged(listed):
    seen = seen_by(listed, **{"X-Amzn-Bedrock-AgentCore-Runtime-Request-Id": "forged",
                              "WorkloadAccessToken": "forged", "X-Amz-Anything": "forged"})
    assert "forged" not in seen.values()


def test_whom_an_agent_acts_for_cannot_be_added_to_a_signed_request(puppet):
    def add(request, **_):  # the signature has been made
        request.headers["X-Amzn-Bedrock-AgentCore-Runtime-User-Id"] = "somebody-else"
    events = puppet.data.meta.events
    events.register("before-send.bedrock-agentcore.InvokeAgentRuntime", add)
    try:
        with pytest.raises(ClientError) as refused:
            puppet.invoke({"do": "headers"})
    finally:
        events.unregister("before-send.bedrock-agentcore.InvokeAgentRuntime", add)
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_traces_and_baggage_pass_both_ways(puppet):
    answer = puppet.open({"do": "headers"}, **TRACE)
    assert {name: answer[name] for name in TRACE} == TRACE
    seen = agents.json.loads(answer["response"].read())["headers"]
    assert {name: seen[NAMES[name]] for name in TRACE} == TRACE


@pytest.mark.parametrize("name", [
    "X-Amz-Date", "x-amzn-RequestId", "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id",
    "Authorization"])
def test_lists_of_what_never_passes_are_refused(daemon, name):
    with pytest.raises(ClientError, match="ValidationException"):
        agents.create(daemon, agents.PUPPET_FILES, requestHeaderConfiguration={
            "requestHeaderAllowlist": [name]})


def test_where_a_user_comes_back_to_is_told(puppet):
    url = "https://app.example/callback?x=1"
    assert seen_by(puppet, OAuth2CallbackUrl=url)["oauth2callbackurl"] == url
    assert "oauth2callbackurl" not in seen_by(puppet)
