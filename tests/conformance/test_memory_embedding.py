"""Records found by meaning, where the configuration names an embedder: other words, another
language, and again after a restart without making a vector twice."""
import pytest

import models_config
from conftest import served
from daemon import ROOT, Daemon, eventually
from memory_support import name_of

pytestmark = pytest.mark.skipif(not (ROOT / "build/models/embedding").exists(),
                                reason="the embedded models are not installed")

TEXTS = ["Mina adopted a puppy from the shelter last spring.",
         "The invoice for the roof repair is still unpaid.",
         "Tom plays the trumpet in a brass band on Fridays."]
# No word and next to no n-gram in common with what they are about.
QUESTIONS = {"Which animal lives with her?": 0,
             "강아지를 입양한 사람은 누구인가요?": 0,
             "Wer macht Musik?": 2}


def best(client, memory, question):
    found = client.retrieve_memory_records(
        memoryId=memory, namespace="/notes",
        searchCriteria={"searchQuery": question, "topK": 1})["memoryRecordSummaries"]
    return found[0]["content"]["text"] if found and found[0]["score"] > 0 else None


def await_best(client, memory, question, text):
    assert eventually(lambda: best(client, memory, question) == text), question


def test_a_record_is_found_by_its_meaning(tmp_path):
    config = models_config.write(tmp_path, platform={
        "memory": {"embedding": "multilingual-e5-small"}})
    with served(arguments=["--config", config]) as daemon:
        memory = daemon.client("bedrock-agentcore-control").create_memory(
            name=name_of("meaning"), eventExpiryDuration=7)["memory"]["id"]
        client = daemon.client("bedrock-agentcore")
        client.batch_create_memory_records(memoryId=memory, records=[
            {"requestIdentifier": str(n), "namespaces": ["/notes"], "timestamp": 1_700_000_000,
             "content": {"text": text}} for n, text in enumerate(TEXTS)])
        for question, number in QUESTIONS.items():
            await_best(client, memory, question, TEXTS[number])
        daemon.kill9()
        daemon.start()
        client = daemon.client("bedrock-agentcore")
        for question, number in QUESTIONS.items():
            await_best(client, memory, question, TEXTS[number])


def test_an_embedder_that_is_not_there_is_refused_at_the_start(tmp_path):
    config = models_config.write(tmp_path, embedded={"enabled": False}, platform={
        "memory": {"embedding": "multilingual-e5-small"}})
    daemon = Daemon(arguments=["--config", config])
    try:
        with pytest.raises(RuntimeError, match="memory.embedding"):
            daemon.start()
    finally:
        daemon.remove()
