"""Memory's tests once more, on a daemon whose database is PostgreSQL; and both back ends give the
same answers."""
import contextlib
import json

import pytest

import models_config
from conftest import served
from daemon import eventually
from memory_support import name_of
from postgres import PROGRAMS, Cluster
from test_memory import *  # noqa: F401,F403
from test_memory_cli import *  # noqa: F401,F403
from test_memory_langgraph import *  # noqa: F401,F403
from test_memory_sdk import *  # noqa: F401,F403
from test_memory_streams import *  # noqa: F401,F403

pytestmark = pytest.mark.skipif(not PROGRAMS.exists(), reason="PostgreSQL 15 is not installed")

QUESTIONS = ("Who keeps bees?", "Where is the sea?", "music", "bee keeping", "nothing of it at all")


@pytest.fixture(scope="module")
def cluster():
    with Cluster() as running:
        yield running


def config_for(folder, cluster, **more):
    return models_config.write(folder, platform={
        "database": {"postgres": cluster.connection}, **more})


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, cluster):
    """In place of the one that every test has: it keeps nothing in files but blobs."""
    config = config_for(tmp_path_factory.mktemp("postgres"), cluster)
    with served(arguments=["--config", config]) as running:
        yield running


@pytest.fixture(scope="module")
def streaming(tmp_path_factory, receiver):
    from test_memory_streams import BUCKET_STREAM, STREAM
    with Cluster() as own:
        config = config_for(tmp_path_factory.mktemp("streams"), own, memory={"streams": {
            STREAM: f"http://127.0.0.1:{receiver.server_port}/changes",
            BUCKET_STREAM: "s3://changes/memory"}})
        with served(arguments=["--config", config]) as running:
            yield running


def test_both_back_ends_find_the_same(daemon, tmp_path):
    texts = [f"{name} {verb} {what}, since {year}"
             for name in ("Ann", "Ben", "미나", "Zoë") for verb in ("keeps", "plays", "sells")
             for what in ("bees near the sea", "the clarinet", "old maps")
             for year in (1999, 2010, 2024)]
    config = models_config.write(tmp_path)
    with served(arguments=["--config", config]) as plain:
        answers = [answers_of(one, texts) for one in (daemon, plain)]
    assert json.dumps(answers[0]) == json.dumps(answers[1])
    assert all(answers[0][:4])


def answers_of(daemon, texts):
    control, data = daemon.client("bedrock-agentcore-control"), daemon.client("bedrock-agentcore")
    memory = control.create_memory(name=name_of("same"), eventExpiryDuration=7)["memory"]["id"]
    for start in range(0, len(texts), 100):
        data.batch_create_memory_records(memoryId=memory, records=[
            {"requestIdentifier": f"r{start + i}", "namespaces": [f"/people/{i % 3}"],
             "content": {"text": text}, "timestamp": 1_700_000_000 + 3600 * (start + i)}
            for i, text in enumerate(texts[start:start + 100])])
    out = []
    for question in QUESTIONS:
        for space in ({"namespace": "/people/1"}, {"namespacePath": "/people"}):
            found = data.retrieve_memory_records(memoryId=memory, **space, searchCriteria={
                "searchQuery": question, "topK": 20})["memoryRecordSummaries"]
            out.append([(r["content"]["text"], round(r["score"], 6)) for r in found])
    control.delete_memory(memoryId=memory)
    return out


def found_by(client, memory, question):
    answer = client.retrieve_memory_records(
        memoryId=memory, namespacePath="/facts", searchCriteria={"searchQuery": question})
    return [one["content"]["text"] for one in answer["memoryRecordSummaries"] if one["score"] > 0]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two daemons on one database, and a memory of theirs."""
    folder = tmp_path_factory.mktemp("pair")
    with contextlib.ExitStack() as stack:
        config = config_for(folder, stack.enter_context(Cluster()),
                            identity={"key_file": str(folder / "vault-keys.json")},
                            memory={"embedding": "hashed-ngrams"})
        one, other = (stack.enter_context(served(arguments=["--config", config]))
                      for _ in range(2))
        memory = one.client("bedrock-agentcore-control").create_memory(
            name=name_of("shared"), eventExpiryDuration=7, memoryStrategies=[
                {"semanticMemoryStrategy": {
                    "name": "facts", "namespaceTemplates": ["/facts/{actorId}"]}}])["memory"]["id"]
        yield memory, [one.client("bedrock-agentcore"), other.client("bedrock-agentcore")]


def test_two_daemons_on_one_database_find_what_the_other_stored(pair):
    memory, clients = pair
    for number, text in enumerate(("I keep bees near the sea.", "I play the clarinet.",
                                   "I collect old maps.")):
        writer, reader = clients[number % 2], clients[1 - number % 2]
        writer.create_event(
            memoryId=memory, actorId="kim", sessionId=f"s{number}",
            eventTimestamp=1_700_000_000,
            payload=[{"conversational": {"role": "USER", "content": {"text": text}}}])
        for client in (writer, reader):
            assert eventually(lambda c=client, t=text: found_by(c, memory, t)[:1] ==
                              [f"User: {t}"]), text
    listed = clients[1].list_memory_records(memoryId=memory, namespacePath="/facts")
    assert len(listed["memoryRecordSummaries"]) == 3
    gone = next(record for record in listed["memoryRecordSummaries"]
                if "clarinet" in record["content"]["text"])
    clients[0].delete_memory_record(memoryId=memory, memoryRecordId=gone["memoryRecordId"])
    assert not any("clarinet" in text for text in found_by(clients[1], memory, "clarinet"))


def stored(client, memory, namespace, texts):
    made = client.batch_create_memory_records(memoryId=memory, records=[
        {"requestIdentifier": str(number), "namespaces": [namespace], "content": {"text": text},
         "timestamp": 1_700_000_000 + 7200 * number} for number, text in enumerate(texts)])
    return [one["memoryRecordId"] for one in made["successfulRecords"]]


def asked(client, memory, namespace, question, top=10):
    answer = client.retrieve_memory_records(memoryId=memory, namespace=namespace, searchCriteria={
        "searchQuery": question, "topK": top})
    return [(one["content"]["text"], one["score"]) for one in answer["memoryRecordSummaries"]]


def test_a_record_that_another_daemon_changed_is_found_by_its_new_words(pair):
    memory, (one, other) = pair
    space = "/changed"
    first, *_ = stored(one, memory, space, ["Ann keeps bees.", "Ben sells maps.", "Mina sings."])
    assert eventually(lambda: asked(other, memory, space, "bees")[0][0] == "Ann keeps bees.")
    for number, (writer, reader) in enumerate([(one, other), (other, one), (one, other)]):
        text = f"Ann races yacht{number}x."
        writer.batch_update_memory_records(memoryId=memory, records=[
            {"memoryRecordId": first, "timestamp": 1_700_000_000, "content": {"text": text}}])
        for client in (writer, reader):
            assert eventually(lambda c=client, n=number, t=text: asked(
                c, memory, space, f"yacht{n}x")[0][0] == t)
    # By its old words no more: both say the same order. Scores differ a little, as word
    # statistics count what was replaced until it is cleared away.
    for question in ("who keeps bees", "yachts race"):
        assert eventually(lambda q=question: [text for text, _ in asked(one, memory, space, q)] ==
                          [text for text, _ in asked(other, memory, space, q)]), question


def test_a_record_that_another_daemon_deleted_takes_no_place_in_an_answer(pair):
    memory, (one, other) = pair
    space = "/deleted"
    made = stored(one, memory, space, [f"Crate {n} holds apples" for n in range(12)])
    assert eventually(lambda: len(asked(other, memory, space, "apples", 12)) == 12)
    best = [text for text, _ in asked(other, memory, space, "apples", 12)]
    numbers = [int(text.split()[1]) for text in best[:8]]
    one.batch_delete_memory_records(memoryId=memory, records=[
        {"memoryRecordId": made[number]} for number in numbers])
    found = [text for text, _ in asked(other, memory, space, "apples", 4)]
    assert sorted(found) == sorted(best[8:])
