"""Power loss, at any byte of any file of the database: what the disk had been told to keep is kept,
what comes after it is there whole or not at all.

A killed process loses nothing, as the kernel still writes. So a power loss is made from what a kill
left behind: whatever a file got after a moment is cut off, zeroed or filled with noise at a random
byte, and of the database file itself any page that the log still has. What was acknowledged before
the moment must be there; of the rest a beginning, in order.
"""
import os
import random
import shutil
import struct
import time
import uuid
from pathlib import Path

import pytest

from conftest import served
from daemon import eventually
from test_memory_faults import FACT_ACTORS, all_of, learning_memory, said

CUTS = 24
ACTOR = FACT_ACTORS[0]
WAL_HEADER, FRAME_HEADER = 32, 24  # https://sqlite.org/fileformat2.html#the_write_ahead_log


def store(client, memory, count):
    """Texts of events and of records, in the order in which they were acknowledged."""
    events, records = [], []
    for _ in range(count):
        marker = uuid.uuid4().hex
        text = f"Project {marker} needs {'wide ' * random.randrange(1, 400)}bridges."
        client.create_event(memoryId=memory, actorId=ACTOR, sessionId="s",
                            eventTimestamp=int(time.time()), payload=said(text),
                            metadata={"marker": {"stringValue": marker}})
        events.append(text)
        texts = [f"{marker} {number} is kept by the caller" for number in range(3)]
        client.batch_create_memory_records(memoryId=memory, records=[
            {"requestIdentifier": str(n), "namespaces": ["/kept"], "content": {"text": one},
             "timestamp": int(time.time())} for n, one in enumerate(texts)])
        records.append(texts)
    return events, records


def damage(path, start, chance):
    """What a disk may have of the bytes that it was not yet told to keep."""
    size = path.stat().st_size
    at = chance.randrange(start, size + 1)
    kind = chance.choice(("cut", "zeros", "noise", "hole"))
    with path.open("r+b") as file:
        if kind == "cut":
            file.truncate(at)
            return kind, at
        end = size if kind != "hole" else min(size, at + chance.randrange(1, 9000))
        file.seek(at)
        file.write(chance.randbytes(end - at) if kind == "noise" else bytes(end - at))
    return kind, at


def garble_pages(database, log, chance):
    """A write into the database file that was under way: only pages that the log has."""
    with log.open("rb") as file:
        page_size = struct.unpack(">8xI", file.read(12))[0]
        file.seek(WAL_HEADER)
        numbers = set()
        while len(header := file.read(FRAME_HEADER)) == FRAME_HEADER:
            numbers.add(struct.unpack(">I", header[:4])[0])
            file.seek(page_size, os.SEEK_CUR)
    with database.open("r+b") as file:
        for number in chance.sample(sorted(numbers), len(numbers) // 2):
            at = chance.randrange(page_size)
            file.seek((number - 1) * page_size + at)
            file.write(chance.randbytes(page_size - at))


def check(daemon, memory, durable, all_stored):
    client = daemon.client("bedrock-agentcore")
    listed = all_of(client, "list_events", "events", memoryId=memory, actorId=ACTOR,
                    sessionId="s", maxResults=100)
    found = [event["payload"][0]["conversational"]["content"]["text"]
             for event in reversed(listed)]
    events, records = all_stored
    assert len(durable[0]) <= len(found) and found == events[:len(found)], "a beginning, in order"
    for event in listed:
        assert event["metadata"]["marker"]["stringValue"] in str(event["payload"])
    kept = sorted(record["content"]["text"] for record in all_of(
        client, "list_memory_records", "memoryRecordSummaries", memoryId=memory,
        namespace="/kept", maxResults=100))
    batches = len(kept) // 3
    assert len(durable[1]) <= batches
    assert kept == sorted(sum(records[:batches], [])), "a batch is there whole or not at all"
    wanted = {f"User: {text}" for text in found}
    made = []

    def is_extracted():
        made[:] = [record["content"]["text"] for record in all_of(
            client, "list_memory_records", "memoryRecordSummaries", memoryId=memory,
            namespace=f"/facts/{ACTOR}", maxResults=100)]
        return wanted == set(made)

    assert eventually(is_extracted, 30), "every event that is there has its record, no other"
    assert len(made) == len(set(made))
    for text in found[-3:]:
        best = client.retrieve_memory_records(
            memoryId=memory, namespace=f"/facts/{ACTOR}",
            searchCriteria={"searchQuery": text.split()[1], "topK": 1})["memoryRecordSummaries"]
        assert best[0]["content"]["text"] == f"User: {text}"
    store(client, memory, 1)  # and it goes on


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory):
    """The data folder of a killed daemon; what was durable at a size of the log; all that was
    acknowledged."""
    folder = tmp_path_factory.mktemp("power") / "data"
    with served(data_dir=folder) as daemon:
        memory = learning_memory(daemon)
        client = daemon.client("bedrock-agentcore")
        durable = store(client, memory, 12)
        log = Path(folder, "agentcored.sqlite-wal")
        size = log.stat().st_size
        rest = store(client, memory, 20)
        assert log.stat().st_size > size > WAL_HEADER
        daemon.kill9()
        yield folder, memory, size, durable, tuple(a + b for a, b in zip(durable, rest))


def test_power_loss_at_any_byte(left_behind, tmp_path):
    folder, memory, size, durable, all_stored = left_behind
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(CUTS):
        copy = tmp_path / "data"
        shutil.copytree(folder, copy)
        database, log = copy / "agentcored.sqlite", copy / "agentcored.sqlite-wal"
        what = []
        if number % 3 == 2:
            garble_pages(database, log, chance)
            what.append("pages")
        else:
            what.append(damage(log, size, chance))
        # The index of the log is not written to keep: whatever it has, it is made anew.
        shared = copy / "agentcored.sqlite-shm"
        what.append(damage(shared, 0, chance) if chance.random() < 0.7 else shared.unlink())
        print(number, what)
        with served(data_dir=copy) as daemon:
            check(daemon, memory, all_stored if number % 3 == 2 else durable, all_stored)
        shutil.rmtree(copy)
