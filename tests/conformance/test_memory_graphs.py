"""Vectors' graphs over a restart: they come from their files, unless those are damaged, and answers
are the same either way."""
import contextlib
import json
import random
import re
import sqlite3
import urllib.request

from conftest import served
from daemon import eventually
from memory_support import name_of

RECORDS = 1200
WORDS = ("harbour violin glacier pepper lantern saddle quartz meadow turbine orchid anchor bishop "
         "copper dragon engine falcon garlic hammer island jungle").split()


def counter(daemon, name):
    text = urllib.request.urlopen(f"{daemon.endpoint}/metrics", timeout=10).read().decode()
    return float(re.search(rf"^agentcored_memory_graph_{name}_total (\S+)", text, re.M).group(1))


def text_of(number):
    chance = random.Random(number)
    return f"Note {number}: " + " ".join(chance.choice(WORDS) for _ in range(12))


def store(client, memory, numbers):
    for first in range(0, len(numbers), 100):
        client.batch_create_memory_records(memoryId=memory, records=[
            {"requestIdentifier": str(n), "namespaces": ["/notes"], "timestamp": 1_700_000_000 + n,
             "content": {"text": text_of(n)}} for n in numbers[first:first + 100]])


def answers(daemon, memory):
    """Of some questions: the records and their scores."""
    client = daemon.client("bedrock-agentcore")
    return [[(one["memoryRecordId"], round(one["score"], 6)) for one in
             client.retrieve_memory_records(
                 memoryId=memory, namespace="/notes", searchCriteria={
                     "searchQuery": text_of(n)[9:], "topK": 10})["memoryRecordSummaries"]]
            for n in range(0, RECORDS, 97)]


def vectors(daemon):
    """How many are made: asked of the database, which they are kept in."""
    file = daemon.data_dir / "agentcored.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return database.execute("SELECT COUNT(*) FROM memory_vectors").fetchone()[0]


def lines(daemon, message):
    return [line for line in daemon.log_path.read_text().splitlines() if message in line]


def test_graphs_are_read_after_a_kill_and_damaged_ones_are_made_anew(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"memory": {"embedding": "hashed-ngrams", "graph_from": 500}}))
    with served(arguments=["--config", str(config)]) as daemon:
        memory = daemon.client("bedrock-agentcore-control").create_memory(
            name=name_of("graphs"), eventExpiryDuration=7)["memory"]["id"]
        store(daemon.client("bedrock-agentcore"), memory, range(RECORDS))
        folder = daemon.data_dir / "memory-graphs"
        assert eventually(lambda: counter(daemon, "files_written") > 0, 30)
        assert eventually(lambda: vectors(daemon) == RECORDS, 30)
        daemon.restart()  # an orderly end writes what is new
        assert eventually(lambda: counter(daemon, "vectors_restored") == RECORDS, 30)
        before = answers(daemon, memory)
        assert all(len(one) == 10 for one in before)

        daemon.kill9()
        daemon.start()
        assert eventually(lambda: counter(daemon, "vectors_restored") == RECORDS, 30)
        assert answers(daemon, memory) == before

        file, = folder.iterdir()
        whole = file.read_bytes()
        for _ in range(4):
            daemon.kill9()
            file.write_bytes(whole[:random.randrange(len(whole))])
            daemon.start()
            assert eventually(lambda: counter(daemon, "files_refused") == 1, 30)
            assert answers(daemon, memory) == before
            assert len(lines(daemon, "graph's file is not used")) == 1
            assert eventually(lambda: counter(daemon, "files_written") == 1, 30)  # anew

        daemon.client("bedrock-agentcore-control").delete_memory(memoryId=memory)
        assert eventually(lambda: not list(folder.iterdir()), 10)
