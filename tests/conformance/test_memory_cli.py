"""`agentcore memory ...` as users type it."""
import json
import subprocess
import uuid

import pytest

from daemon import eventually, program

AGENTCORE = program("agentcore")


@pytest.fixture
def memory_command(daemon, tmp_path):
    def run(*arguments, code=0, stdin=""):
        done = subprocess.run(
            [AGENTCORE, "memory", *map(str, arguments)], cwd=tmp_path, text=True, input=stdin,
            env=daemon.command_environment(), capture_output=True, timeout=120)
        assert done.returncode == code, done.stderr + done.stdout
        return done
    return run


@pytest.fixture
def document(memory_command):
    def run(*arguments, **more):
        return json.loads(memory_command(*arguments, "--json", **more).stdout)
    return run


@pytest.fixture
def named(memory_command):
    """Names of memories that are deleted in the end."""
    names = []

    def make():
        names.append(f"cli_{uuid.uuid4().hex[:8]}")
        return names[-1]
    yield make
    for name in names:
        memory_command("delete", name, "--force")


def said(text, role="USER"):
    return {"conversational": {"content": {"text": text}, "role": role}}


def fill(daemon, memory):
    data = daemon.client("bedrock-agentcore")

    def add(actor, session, when, payload, **more):
        return data.create_event(memoryId=memory, actorId=actor, sessionId=session,
                                 eventTimestamp=when, payload=payload, **more)["event"]
    add("kim", "s1", 1_700_000_000.25, [said("I live in Busan."), {"blob": {"b": [1, {"z": 2}]}}],
        metadata={"kind": {"stringValue": "greeting"}})
    root = add("kim", "s1", 1_700_000_000.25, [said("The same moment.", "ASSISTANT")])
    add("kim", "s1", 1_700_000_001, [said("I keep bees.")])
    side = add("kim", "s1", 1_699_999_000, [said("What if I moved?")],
               branch={"name": "side", "rootEventId": root["eventId"]})
    add("kim", "s1", 1_700_000_003, [said("Deeper.")],
        branch={"name": "deep", "rootEventId": side["eventId"]})
    add("team/lee", "s-2", 1_700_000_000, [said("twice")])
    add("team/lee", "s-2", 1_700_000_000, [said("twice")])
    data.batch_create_memory_records(memoryId=memory, records=[{
        "requestIdentifier": "r", "namespaces": ["notes/kim"], "timestamp": 1_700_000_000.5,
        "content": {"text": "a note of the agent's own"},
        "metadata": {"rank": {"numberValue": 1.5}}}])
    return data


def contents(data, memory):
    """All that a caller gave, without the ids that the service gave."""
    events = []
    for actor in data.list_actors(memoryId=memory)["actorSummaries"]:
        for session in data.list_sessions(memoryId=memory,
                                          actorId=actor["actorId"])["sessionSummaries"]:
            address = {"actorId": actor["actorId"], "sessionId": session["sessionId"]}
            listed = data.list_events(memoryId=memory, maxResults=100, **address)["events"]
            by_id = {event["eventId"]: event for event in listed}
            for event in listed:
                branch = event["branch"]
                root = by_id[branch["rootEventId"]]["payload"] if "rootEventId" in branch else None
                events.append((address, event["eventTimestamp"], event["payload"],
                               event.get("metadata"), branch["name"], root))
    records = [(r["content"], r["createdAt"], r.get("metadata"), r["namespaces"][0].split("/")[-1])
               for r in data.list_memory_records(
                   memoryId=memory, namespacePath="/", maxResults=100)["memoryRecordSummaries"]]
    return events, sorted(records, key=repr)


def test_a_memory_from_creation_to_deletion(daemon, memory_command, document, named):
    name = named()
    made = document("create", name, "--strategies", "semantic,user_preference",
                    "--event-expiry-days", "30")
    assert made["status"] == "ACTIVE" and made["eventExpiryDuration"] == 30
    assert [s["type"] for s in made["strategies"]] == ["SEMANTIC", "USER_PREFERENCE"]
    assert made["id"] in {m["id"] for m in document("list")["memories"]}
    assert document("show", name) == document("show", made["id"]) == made
    data = fill(daemon, made["id"])
    assert {a["actorId"] for a in document("events", name)["actorSummaries"]} == {"kim", "team/lee"}
    sessions = document("events", name, "-a", "team/lee")["sessionSummaries"]
    assert [s["sessionId"] for s in sessions] == ["s-2"]
    events = document("events", name, "-a", "kim", "-s", "s1", "--count", 2)["events"]
    assert len(events) == 2 and events[0]["payload"][0] == said("Deeper.")
    text = memory_command("events", name, "-a", "kim", "-s", "s1", "-b", "main").stdout
    assert text.index("I live in Busan.") < text.index("I keep bees.") and "Deeper" not in text
    assert eventually(lambda: "Busan" in memory_command(
        "search", name, "Where do I live?").stdout.splitlines()[1], 5)
    hits = document("search", name, "note", "--namespace", "notes/kim")["memoryRecordSummaries"]
    assert [h["content"]["text"] for h in hits] == ["a note of the agent's own"]
    assert "bees" in memory_command("records", name, "--count", 100).stdout
    assert document("jobs", name)["jobs"] == []
    memory_command("delete", name, code=1)
    assert data.list_actors(memoryId=made["id"])["actorSummaries"]


def test_what_is_exported_is_imported_once(daemon, memory_command, document, named, tmp_path):
    source, copy = named(), named()
    first = document("create", source, "-s", "semantic")["id"]
    second = document("create", copy, "-s", "semantic")["id"]
    data = fill(daemon, first)
    assert eventually(lambda: len(contents(data, first)[1]) >= 3, 10)
    exported = document("export", source, "-o", tmp_path / "all.jsonl")
    assert exported["events"] == 7
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    assert memory_command("export", source).stdout.splitlines() == lines
    assert {json.loads(line)["kind"] for line in lines} == {"memory", "event", "record"}

    done = document("import", copy, tmp_path / "all.jsonl")
    assert done["events"] == {"stored": 7, "present": 0}
    assert done["records"] == {"stored": exported["records"], "present": 0}
    assert contents(data, second) == contents(data, first)
    strategy = document("show", copy)["strategies"][0]["strategyId"]
    own = data.list_memory_records(memoryId=second, namespacePath=f"/strategies/{strategy}")
    assert {r["memoryStrategyId"] for r in own["memoryRecordSummaries"]} == {strategy}

    for target in (copy, source):
        again = document("import", target, "-", stdin="\n".join(lines))
        assert again["events"] == {"stored": 0, "present": 7}
        assert again["records"]["stored"] == 0
    (tmp_path / "half.jsonl").write_text("\n".join(lines[:4]))
    third = named()
    document("create", third)
    assert document("import", third, tmp_path / "half.jsonl")["events"]["stored"] == 3
    assert document("import", third, tmp_path / "all.jsonl")["events"] == {
        "stored": 4, "present": 3}


def test_records_may_be_made_anew_from_imported_events(daemon, memory_command, document, named):
    source, copy = named(), named()
    first = document("create", source)["id"]
    document("create", copy, "-s", "semantic")
    fill(daemon, first)
    lines = memory_command("export", source).stdout
    assert document("import", copy, "-", "--extract", stdin=lines)["records"]["stored"] == 0
    assert eventually(lambda: "bees" in memory_command("search", copy, "bees").stdout, 10)


def test_records_are_made_anew_when_a_strategy_was_added(daemon, memory_command, document, named):
    name = named()
    identifier = document("create", name)["id"]
    fill(daemon, identifier)
    daemon.client("bedrock-agentcore-control").update_memory(
        memoryId=identifier, memoryStrategies={
            "addMemoryStrategies": [{"semanticMemoryStrategy": {"name": "facts"}}]})
    assert document("rebuild", name) == {"events": 7, "recordsRemoved": 0}
    assert eventually(lambda: "bees" in memory_command("search", name, "bees").stdout, 10)
    assert document("rebuild", name)["recordsRemoved"] >= 2
    assert eventually(lambda: "bees" in memory_command("search", name, "bees").stdout, 10)


def test_what_goes_wrong_has_an_exit_code(memory_command, named):
    assert "memory list" in memory_command("show", "nobody", code=4).stderr
    memory_command("create", named(), "--strategies", "semantic")
    memory_command("create", "x", "--strategies", "telepathic", code=2)
    memory_command("create", "0bad", code=1)
    name = named()
    memory_command("create", name)
    memory_command("import", name, "/none.jsonl", code=4)
    bad = memory_command("import", name, "-", stdin='{"kind":"event"}\n', code=2).stderr
    assert "line 1" in bad
    memory_command("events", name, "-s", "s1", code=2)
