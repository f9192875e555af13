"""Every operation of the API model: a valid call, a call that breaks each constraint, and for those
that no service implements yet an error that says so."""
import re

import pytest

import agents
import probe_identity
import probes
import regex_strings
from daemon import ROOT
from probe_client import ProbeClient

NOT_IMPLEMENTED = ROOT / "src/wire/not_implemented.txt"
OPERATIONS = probes.operations()
SYSTEM_INTERPRETER = "aws.codeinterpreter.v1"


@pytest.fixture(scope="module")
def client(daemon):
    return ProbeClient(daemon)


@pytest.fixture(scope="module")
def implemented(client):
    listed = client.send("GET", "/x/operations").json["operations"]
    return {entry["name"] for entry in listed if entry["implemented"]}


def remembered(daemon):
    """A memory with an event and a record."""
    control, data = daemon.client("bedrock-agentcore-control"), daemon.client("bedrock-agentcore")
    memory = control.create_memory(name="probed", eventExpiryDuration=7)["memory"]["id"]
    event = data.create_event(memoryId=memory, actorId="probe", sessionId="probe",
                              eventTimestamp=1_700_000_000, payload=[])["event"]
    record = data.batch_create_memory_records(memoryId=memory, records=[{
        "requestIdentifier": "probe", "namespaces": ["/probe"], "timestamp": 1_700_000_000,
        "content": {"text": "probe"}}])["successfulRecords"][0]
    return {"memoryId": memory, "actorId": "probe", "sessionId": "probe",
            "eventId": event["eventId"], "memoryRecordId": record["memoryRecordId"]}


def bedrock_inputs():
    messages = [{"role": "user", "content": [{"text": "probe"}]}]
    body = b'{"inputText": "probe", "textGenerationConfig": {}}'
    return {
        "Converse": {"modelId": "probe", "messages": messages},
        "ConverseStream": {"modelId": "probe", "messages": messages},
        "CountTokens": {"modelId": "probe", "input": {"converse": {"messages": messages}}},
        "InvokeModel": {"modelId": "probe", "body": body},
        "InvokeModelWithResponseStream": {"modelId": "probe", "body": body},
        "GetFoundationModel": {"modelIdentifier": "amazon.nova-lite-v1:0"},
        "GetInferenceProfile": {"inferenceProfileIdentifier": "us.amazon.nova-lite-v1:0"},
    }


@pytest.fixture(scope="module")
def resources(deployed, daemon):
    """Members by name that mean something to the services under test."""
    with probe_identity.identified(daemon) as identity_inputs:
        yield inputs(deployed, daemon, identity_inputs)


def inputs(deployed, daemon, identity_inputs):
    runtime = deployed(agents.PUPPET_FILES, name="probed")
    runtime.control.create_agent_runtime_endpoint(agentRuntimeId=runtime.id, name="probed_end")
    carded = deployed(agents.CARD_FILES, name="carded",
                      protocolConfiguration={"serverProtocol": "A2A"})
    policy = probe_identity.policy_of(runtime.arn)
    runtime.control.put_resource_policy(resourceArn=runtime.arn, policy=policy)
    code = runtime.get()["agentRuntimeArtifact"]
    common = {
        "agentRuntimeId": runtime.id, "agentRuntimeArn": runtime.arn, "resourceArn": runtime.arn,
        "agentRuntimeArtifact": code, "roleArn": agents.ROLE, "endpointName": "probed_end",
        "runtimeSessionId": agents.session_id(), "payload": b'{"do": "environment"}',
        "networkConfiguration": {"networkMode": "PUBLIC"}, "tagKeys": ["probe"],
        "codeInterpreterIdentifier": SYSTEM_INTERPRETER,
        **remembered(daemon),
    }
    session = daemon.client("bedrock-agentcore").start_code_interpreter_session(
        codeInterpreterIdentifier=SYSTEM_INTERPRETER)["sessionId"]
    interpreter = daemon.client("bedrock-agentcore-control").create_code_interpreter(
        name="probed", networkConfiguration={"networkMode": "SANDBOX"})["codeInterpreterId"]
    special = {
        "CreateCodeInterpreter": {"name": "probed_too"},
        "GetCodeInterpreter": {"codeInterpreterId": interpreter},
        "DeleteCodeInterpreter": {"codeInterpreterId": interpreter},
        "GetCodeInterpreterSession": {"sessionId": session},
        "StopCodeInterpreterSession": {"sessionId": session},
        "InvokeCodeInterpreter": {"sessionId": session, "name": "executeCode",
                                  "arguments": {"code": "1 + 1"}},
        "CreateAgentRuntimeEndpoint": {"name": "another_end"},
        "InvokeAgentRuntime": {"contentType": "application/json"},
        "GetAgentCard": {"agentRuntimeArn": carded.arn},
        "InvokeAgentRuntimeCommand": {"body": {"command": "true"}},
        "CreateEvent": {"payload": []},
        "ListMemoryRecords": {"namespace": "/probe"},
        "RetrieveMemoryRecords": {"namespace": "/probe"},
        "PutResourcePolicy": {"policy": policy},
        **bedrock_inputs(),
        **identity_inputs,
    }

    def of(name):
        values = {**common, **special.get(name, {})}
        members = OPERATIONS[name].input_shape.members
        required = OPERATIONS[name].input_shape.required_members
        return {member: value for member, value in values.items()
                if member in required or member in special.get(name, {})
                or (member in members and member in ("runtimeSessionId", "payload"))}
    return of


@pytest.fixture(scope="module")
def control(daemon):
    return daemon.client("bedrock-agentcore-control")


def everything(control):
    """What exists, as far as lists tell."""
    found = []
    for runtime in control.list_agent_runtimes()["agentRuntimes"]:
        found.append((runtime["agentRuntimeId"], runtime["agentRuntimeVersion"]))
        listed = control.list_agent_runtime_endpoints(agentRuntimeId=runtime["agentRuntimeId"])
        found += [(runtime["agentRuntimeId"], end["name"]) for end in listed["runtimeEndpoints"]]
        tags = control.list_tags_for_resource(resourceArn=runtime["agentRuntimeArn"])["tags"]
        found += sorted(tags.items())
    return sorted(found)


# Deleting is last: what the calls before it work on must still be there.
def by_danger(name):
    last = ("DeleteAgentRuntime", "DeleteMemory")
    return (name.startswith(("Delete", "StopCode")), name in last, name)


# Only a job that has failed can be started again, and none has.
NOTHING_TO_WORK_ON = {"StartMemoryExtractionJob": 404}


def complaint(probe, answer):
    """Why an answer is not the modelled refusal; None when it is."""
    if answer.status != 400 or answer.error != "ValidationException":
        return f"{probe}: {answer.status} {answer.error} {answer.body[:200]}"
    body = answer.json
    if body.get("reason") not in ("FieldValidationFailed", "CannotParse") or "message" not in body:
        return f"{probe}: no reason in {answer.body[:200]}"
    wanted = probe.says if isinstance(probe.says, tuple) else (probe.says,)
    fields = {(field["name"], field["message"]) for field in body.get("fieldList", [])}
    if not any(name == probe.member and any(text in message.lower() for text in wanted)
               for name, message in fields):
        return f"{probe}: wanted {wanted} in {sorted(fields)}"
    return None


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_malformed_calls_are_refused_as_modelled(name, client, implemented, resources, control):
    if name not in implemented:
        answer = client.call(OPERATIONS[name], probes.minimal(OPERATIONS[name].input_shape))
        assert (answer.status, answer.error) == (501, "NotImplementedException"), answer
        assert name in answer.json["message"]
        return
    before = everything(control)
    complaints, count = [], 0
    for probe in probes.malformed(OPERATIONS[name], resources(name)):
        answer = client.call(OPERATIONS[name], probe.arguments)
        count += 1
        problem = complaint(probe, answer)
        if problem:
            complaints.append(problem)
    assert not complaints, f"{len(complaints)} of {count}:\n" + "\n".join(complaints[:20])
    assert everything(control) == before


def test_operations_known_by_name_only_say_so(client, implemented):
    for name, operation in probes.all_operations().items():
        if name in OPERATIONS:
            continue
        target = re.sub(r"\{[^}]*\}", "x", operation.http["requestUri"])
        answer = client.send(operation.http["method"], target, b"{}")
        assert (answer.status, answer.error) == (501, "NotImplementedException"), (name, answer)
        assert name in answer.json["message"]


def test_valid_calls_are_answered(client, implemented, resources):
    complaints = []
    for name in sorted(implemented, key=by_danger):
        operation = OPERATIONS[name]
        arguments = {**probes.minimal(operation.input_shape), **resources(name)}
        answer = client.call(operation, arguments)
        expected = NOTHING_TO_WORK_ON.get(name, operation.http.get("responseCode", 200))
        if answer.status != expected:
            complaints.append(f"{name}: {answer.status} {answer.error} {answer.body[:500]}")
        elif not answer.headers.get("x-amzn-requestid"):
            complaints.append(f"{name}: no request id")
    assert not complaints, "\n".join(complaints)


def test_the_list_of_what_is_not_implemented_only_shrinks(implemented):
    listed = NOT_IMPLEMENTED.read_text().split()
    missing = sorted(set(probes.all_operations()) - implemented)
    assert listed == missing, f"{NOT_IMPLEMENTED.name} is to be what the daemon does not implement"


BAD_BODIES = [
    b"{", b"[]", b'"text"', b"null", b"{} {}", b'{"a":1,}', b'{"a":"\xff"}', b"\x00",
    b"[" * 100_000,
    b'{"x":1,"x":2}', b'{"x":1e999}', b"{'x':1}", b'{"x":' + b"[" * 200 + b"]" * 200 + b"}",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
def test_bad_json_cannot_be_parsed(body, client, implemented):
    answer = client.send("PUT", "/runtimes/", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.error) == (400, "ValidationException"), answer
    assert answer.json["reason"] == "CannotParse"


def test_unknown_paths_and_methods(client):
    assert client.send("GET", "/no/such/path").status == 404
    assert client.send("GET", "/no/such/path").error == "UnknownOperationException"
    assert client.send("PATCH", "/runtimes/").status == 405
    assert client.send("GET", "/runtimes/%zz/").status == 400


def test_unsigned_and_wrongly_signed_calls_are_refused(client, daemon):
    assert client.send("POST", "/runtimes/", signed=False).status == 403
    stranger = ProbeClient(daemon)
    stranger.credentials.secret_key = "not the secret"
    answer = stranger.send("POST", "/runtimes/")
    assert (answer.status, answer.error) == (403, "InvalidSignatureException"), answer
    stranger.credentials.access_key = "AKIANOSUCHKEY0000000"
    answer = stranger.send("POST", "/runtimes/")
    assert (answer.status, answer.error) == (403, "UnrecognizedClientException"), answer


def test_every_pattern_of_the_model_can_be_matched_and_broken():
    """The generator itself: without it a probe would be left out silently."""
    unmatched, unbroken = [], []
    for operation in OPERATIONS.values():
        for path, shape, _ in probes.walk(operation.input_shape):
            rules = shape.metadata
            if shape.type_name != "string" or "pattern" not in rules:
                continue
            bounds = (rules.get("min", 0), rules.get("max"))
            if regex_strings.matching(rules["pattern"], *bounds) is None:
                unmatched.append((operation.name, path, rules))
            if regex_strings.violating(rules["pattern"], *bounds) is None:
                unbroken.append(rules["pattern"])
    assert not unmatched
    assert not unbroken
