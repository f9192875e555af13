"""Memory through crashes and full disks: what was acknowledged is there, whole, exactly once.

The number of kills is `--memory-kills` (200 take about ten minutes):

    pytest tests/conformance/test_memory_faults.py --memory-kills 200 --timeout 3600 -s
"""
import os
import random
import threading
import time
import uuid

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from conftest import served
from daemon import eventually
from test_faults import enlarge, small_disk

FACTS = "/facts/{actorId}"
ACTORS = 4
FACT_ACTORS = [f"actor-{n}" for n in range(ACTORS)]


def statement(marker):
    return f"Project {marker} needs {'wide ' * random.randrange(1, 60)}bridges over the river."


def said(text):
    return [{"conversational": {"role": "USER", "content": {"text": text}}}]


class Load:
    """Clients of one memory that remember what they sent, what was acknowledged, what deleted."""

    def __init__(self, daemon, memory):
        self.daemon = daemon
        self.memory = memory
        self.sent = set()  # texts
        self.events = {}  # event id -> (actor, session, text)
        self.deleted = {}
        self.unsure = []  # calls that were cut off
        self.records = {}  # record id -> text
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.threads = []

    def start(self):
        self.ending.clear()
        self.begun = len(self.events)
        self.threads = [threading.Thread(target=self._run, args=(work,)) for work in
                        (self._create_event, self._create_event, self._create_records,
                         self._delete_event)]
        for thread in self.threads:
            thread.start()

    def has_begun(self):
        return len(self.events) > self.begun

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def _run(self, work):
        client = self.daemon.client("bedrock-agentcore")
        while not self.ending.is_set():
            try:
                work(client)
            except (BotoCoreError, ClientError):
                if not self.daemon.running():
                    return

    def _create_event(self, client):
        marker = uuid.uuid4().hex
        text = statement(marker)
        call = {"memoryId": self.memory, "actorId": random.choice(FACT_ACTORS),
                "sessionId": f"session-{random.randrange(8)}", "payload": said(text),
                "eventTimestamp": int(time.time()), "clientToken": marker,
                "metadata": {"marker": {"stringValue": marker}}}
        with self.lock:
            self.sent.add(text)
        try:
            made = client.create_event(**call)["event"]
        except BaseException:
            with self.lock:
                self.unsure.append(call)
            raise
        with self.lock:
            self.events[made["eventId"]] = (call["actorId"], call["sessionId"], text)

    def _create_records(self, client):
        texts = [f"{uuid.uuid4().hex} is kept by the caller" for _ in range(5)]
        with self.lock:
            self.sent.update(texts)
        made = client.batch_create_memory_records(memoryId=self.memory, records=[
            {"requestIdentifier": str(n), "namespaces": ["/kept"], "content": {"text": text},
             "timestamp": int(time.time())} for n, text in enumerate(texts)])
        with self.lock:
            for record in made["successfulRecords"]:
                self.records[record["memoryRecordId"]] = texts[int(record["requestIdentifier"])]

    def _delete_event(self, client):
        time.sleep(0.02)
        with self.lock:
            if len(self.events) < 5:
                return
            chosen = random.choice(list(self.events))
            actor, session, text = self.events.pop(chosen)
        client.delete_event(memoryId=self.memory, actorId=actor, sessionId=session, eventId=chosen)
        with self.lock:
            self.deleted[chosen] = text

    def repeat_unsure(self):
        """The same call with the same token: whether it was stored or not, it is there once."""
        client = self.daemon.client("bedrock-agentcore")
        for call in self.unsure:
            made = client.create_event(**call)["event"]
            text = call["payload"][0]["conversational"]["content"]["text"]
            self.events[made["eventId"]] = (call["actorId"], call["sessionId"], text)
        self.unsure = []


def all_of(client, operation, key, **arguments):
    return [item for page in client.get_paginator(operation).paginate(**arguments)
            for item in page[key]]


def listed_events(client, memory):
    """Event id -> text, over all sessions."""
    found = {}
    for actor in FACT_ACTORS:
        for session in all_of(client, "list_sessions", "sessionSummaries", memoryId=memory,
                              actorId=actor):
            for event in all_of(client, "list_events", "events", memoryId=memory, actorId=actor,
                                sessionId=session["sessionId"], maxResults=100):
                assert event["eventId"] not in found
                [message] = event["payload"]
                assert event["metadata"]["marker"]["stringValue"] in str(message)
                found[event["eventId"]] = message["conversational"]["content"]["text"]
    return found


def check_events(client, load):
    found = listed_events(client, load.memory)
    wanted = {identifier: text for identifier, (_, _, text) in load.events.items()}
    lost = {identifier: text for identifier, text in wanted.items()
            if found.get(identifier) != text}
    assert not lost, f"{len(lost)} of {len(wanted)} acknowledged events are lost: {lost}"
    assert not load.deleted.keys() & found.keys(), "deleted, acknowledged, and back"
    assert set(found.values()) <= load.sent, "something that nobody sent"
    assert len(set(found.values())) == len(found), "one event twice"


def check_kept_records(client, load):
    kept = {record["memoryRecordId"]: record["content"]["text"] for record in all_of(
        client, "list_memory_records", "memoryRecordSummaries", memoryId=load.memory,
        namespace="/kept", maxResults=100)}
    lost = {identifier for identifier, text in load.records.items()
            if kept.get(identifier) != text}
    assert not lost, f"{len(lost)} of {len(load.records)} acknowledged records are lost"
    assert set(kept.values()) <= load.sent, "something that nobody sent"


def check_extraction(client, load):
    """Every event has its record, once, and it is found."""
    def records():
        return [record["content"]["text"] for actor in FACT_ACTORS for record in all_of(
            client, "list_memory_records", "memoryRecordSummaries", memoryId=load.memory,
            namespace=f"/facts/{actor}", maxResults=100)]
    wanted = {f"User: {text}" for _, _, text in load.events.values()}
    eventually(lambda: wanted <= set(records()), 60, 0.5)
    made = records()
    missing = wanted - set(made)
    failed = client.list_memory_extraction_jobs(memoryId=load.memory)["jobs"]
    assert not missing, f"{len(missing)} of {len(wanted)} without a record: {missing}; {failed}"
    assert len(made) == len(set(made)), "one record twice"
    assert {text.removeprefix("User: ") for text in made} <= load.sent
    for actor, _, text in random.sample(list(load.events.values()), 20):
        found = client.retrieve_memory_records(
            memoryId=load.memory, namespace=f"/facts/{actor}",
            searchCriteria={"searchQuery": text.split()[1], "topK": 1})
        assert found["memoryRecordSummaries"][0]["content"]["text"] == f"User: {text}"


def learning_memory(daemon):
    strategy = {"semanticMemoryStrategy": {"name": "facts", "namespaces": [FACTS]}}
    return daemon.client("bedrock-agentcore-control").create_memory(
        name=f"faults_{uuid.uuid4().hex[:8]}", eventExpiryDuration=7,
        memoryStrategies=[strategy])["memory"]["id"]


def test_kill_at_any_moment_loses_no_event_and_no_record(fresh_daemon, request):
    daemon, kills = fresh_daemon, request.config.getoption("--memory-kills")
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    load = Load(daemon, learning_memory(daemon))
    for number in range(kills):
        load.start()
        assert eventually(load.has_begun, 30)
        time.sleep(chance.uniform(0, 0.5))
        daemon.kill9()
        load.end()
        daemon.start()
        load.repeat_unsure()
        if number % 10 == 9:
            check_events(daemon.client("bedrock-agentcore"), load)
    client = daemon.client("bedrock-agentcore")
    check_events(client, load)
    check_kept_records(client, load)
    check_extraction(client, load)
    print(f"{kills} kills: {len(load.events)} events, {len(load.records)} records and "
          f"{len(load.deleted)} deletions were acknowledged, and nothing of it was lost")


def store_crates(client, memory, namespace, count):
    for start in range(0, count, 100):
        records = [{"requestIdentifier": str(number), "namespaces": [namespace],
                    "content": {"text": f"Crate K{number} holds {number * 7919 % 100003} bolts."},
                    "timestamp": 1_700_000_000 + 60 * number}
                   for number in range(start, min(start + 100, count))]
        answer = client.batch_create_memory_records(memoryId=memory, records=records)
        assert not answer["failedRecords"]


def answers_about(client, memory, namespace, numbers):
    """Texts and scores, so that an answer from half an index differs."""
    return {number: [(found["content"]["text"], round(found["score"], 6)) for found in
                     client.retrieve_memory_records(
                         memoryId=memory, namespace=namespace, searchCriteria={
                             "searchQuery": f"What holds {number * 7919 % 100003} bolts?",
                             "topK": 5})["memoryRecordSummaries"]]
            for number in numbers}


# More records than are read for one search, and fewer.
@pytest.mark.parametrize("count", [21_000, 900])
def test_searches_right_after_a_kill_are_answered_as_before(fresh_daemon, count):
    daemon = fresh_daemon
    memory = learning_memory(daemon)
    client = daemon.client("bedrock-agentcore")
    store_crates(client, memory, "/crates", count)
    store_crates(client, memory, "/others", 50)
    numbers = range(0, count, count // 20)
    crates, others = (answers_about(client, memory, namespace, numbers)
                      for namespace in ("/crates", "/others"))
    assert all(f"Crate K{number} " in crates[number][0][0] for number in numbers)
    daemon.kill9()
    daemon.start()
    client = daemon.client("bedrock-agentcore")
    # The index is being built now. A record that comes meanwhile is found too.
    assert answers_about(client, memory, "/others", numbers) == others
    client.batch_create_memory_records(memoryId=memory, records=[
        {"requestIdentifier": "late", "namespaces": ["/late"], "timestamp": 1_700_000_000,
         "content": {"text": "The walrus holds no bolts."}}])
    late = client.retrieve_memory_records(memoryId=memory, namespace="/late", searchCriteria={
        "searchQuery": "walrus"})["memoryRecordSummaries"]
    assert [found["content"]["text"] for found in late] == ["The walrus holds no bolts."]
    assert answers_about(client, memory, "/crates", numbers) == crates
    assert answers_about(client, memory, "/others", numbers) == others


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, which takes root")
def test_a_full_disk_refuses_events_and_keeps_what_it_has(tmp_path):
    with small_disk(tmp_path / "data", 24), served(data_dir=tmp_path / "data") as daemon:
        memory = learning_memory(daemon)
        client = daemon.client("bedrock-agentcore")
        stored, refused = {}, None

        def store(number):
            text = f"Crate {number} holds {os.urandom(20_000).hex()} things."
            made = client.create_event(memoryId=memory, actorId="a", sessionId="s",
                                       eventTimestamp=int(time.time()), payload=said(text))
            stored[made["event"]["eventId"]] = text

        for number in range(2000):
            try:
                store(number)
            except ClientError as error:
                refused = error
                break
        assert refused is not None, "the disk never filled"
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        assert daemon.running()
        check_stored(client, memory, stored)
        daemon.restart()
        client = daemon.client("bedrock-agentcore")
        check_stored(client, memory, stored)
        enlarge(tmp_path / "data", 256)
        store(9999)
        check_stored(client, memory, stored)
        assert eventually(lambda: len(all_of(
            client, "list_memory_records", "memoryRecordSummaries", memoryId=memory,
            namespace="/facts/a")) >= len(stored), 30), "extraction goes on when there is room"


def check_stored(client, memory, stored):
    found = {event["eventId"]: event["payload"][0]["conversational"]["content"]["text"]
             for event in all_of(client, "list_events", "events", memoryId=memory, actorId="a",
                                 sessionId="s")}
    assert found == stored
