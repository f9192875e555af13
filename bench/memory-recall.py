#!/usr/bin/env python3
"""Recall of Memory's retrieval on conversations in LoCoMo's format, through the API.

    ./dev bench memory-recall --data FILE [--json] [--records raw|extracted] [--endpoint URL]
                              [--embedding NAME]

`raw` stores every turn as a record (BatchCreateMemoryRecords); `extracted` sends the turns as
events to a semantic strategy and searches the records that the built-in engine made of them. Every
question is one RetrieveMemoryRecords in its conversation's namespace. Printed is the share of all
gold evidence that is found within the first k turns, or the first k sessions that the answer
names, averaged over the questions that have evidence in the file. Without --endpoint a daemon is
started for the run, which finds records by vectors too where `--embedding` names an embedder
(memory.embedding); with it, keys come from the environment.
"""
import argparse
import collections
import datetime
import json
import pathlib
import re
import statistics
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/conformance"))

import boto3  # noqa: E402

from daemon import Daemon  # noqa: E402

TURN_DEPTHS = (1, 5, 10, 25, 50)
SESSION_DEPTHS = (1, 5, 10)
BATCH = 100
DEPTH = 100  # records asked for, a question
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
EPOCH = datetime.datetime(1970, 1, 1)


class Turn:
    def __init__(self, conversation, session, start, order, given):
        self.id = given["dia_id"]
        self.session = session
        # Turns have no times of their own: a few seconds apart, from when their session began.
        self.time = start + datetime.timedelta(seconds=order)
        self.name = f"{conversation}-{self.id}".replace(":", "-")
        caption = given.get("blip_caption")
        self.text = f"{given['speaker']}: {given['text']}" + (f" [{caption}]" if caption else "")


class Conversation:
    def __init__(self, number, given):
        self.name = str(given.get("sample_id", number))
        self.namespace = f"/conversations/{re.sub('[^a-zA-Z0-9_-]', '-', self.name)}"
        spoken = given["conversation"]
        self.turns = []
        sessions = [key for key in spoken if re.fullmatch(r"session_\d+", key)]
        for key in sorted(sessions, key=lambda name: int(name[8:])):
            start = datetime.datetime.strptime(spoken[key + "_date_time"], "%I:%M %p on %d %B, %Y")
            for order, turn in enumerate(spoken[key]):
                self.turns.append(Turn(number, int(key[8:]), start, order, turn))
        known = {turn.id: turn for turn in self.turns}
        self.questions = []
        for question in given["qa"]:
            named = re.findall(r"D\d+:\d+", " ".join(question.get("evidence", [])))
            gold = [known[name] for name in dict.fromkeys(named) if name in known]
            if gold:
                self.questions.append((question["question"], question.get("category"), gold))


def seconds(moment):
    return int((moment - EPOCH).total_seconds())


def store_raw(client, memory, conversations):
    """Turns as records; which record stands for which turn."""
    turns = {}
    for conversation in conversations:
        for start in range(0, len(conversation.turns), BATCH):
            batch = {turn.name: turn for turn in conversation.turns[start:start + BATCH]}
            answer = client.batch_create_memory_records(memoryId=memory, records=[
                {"requestIdentifier": turn.name, "namespaces": [conversation.namespace],
                 "content": {"text": turn.text}, "timestamp": seconds(turn.time)}
                for turn in batch.values()])
            assert not answer["failedRecords"], answer["failedRecords"]
            for record in answer["successfulRecords"]:
                turns[record["memoryRecordId"]] = batch[record["requestIdentifier"]]
    return turns


def all_records(client, memory, conversation):
    token = {}
    while True:
        page = client.list_memory_records(memoryId=memory, namespace=conversation.namespace,
                                          maxResults=100, **token)
        yield from page["memoryRecordSummaries"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def store_extracted(client, memory, conversations):
    """Turns as events; a record carries the time of the event that it came from."""
    turns = {}
    kept = spoken = 0
    for conversation in conversations:
        actor = conversation.namespace.rsplit("/", 1)[1]
        for turn in conversation.turns:
            client.create_event(
                memoryId=memory, actorId=actor, sessionId=f"session-{turn.session}",
                eventTimestamp=seconds(turn.time),
                payload=[{"conversational": {"role": "OTHER", "content": {"text": turn.text}}}])
        by_time = {seconds(turn.time): turn for turn in conversation.turns}
        records, before = [], -1
        while len(records) != before or not records:  # the engine has caught up
            before = len(records)
            time.sleep(0.5)
            records = list(all_records(client, memory, conversation))
        for record in records:
            turns[record["memoryRecordId"]] = by_time[int(record["createdAt"].timestamp())]
            kept += len(record["content"]["text"])
        spoken += sum(len(turn.text) for turn in conversation.turns)
    print(f"{len(turns)} records of {sum(len(c.turns) for c in conversations)} turns, "
          f"{100 * kept / spoken:.1f} % of their text")
    return turns


def found_within(depth, found, gold):
    return len(set(found[:depth]) & set(gold)) / len(set(gold))


class Scores:
    def __init__(self):
        self.turn = collections.defaultdict(list)
        self.session = collections.defaultdict(list)

    def add(self, answer, gold):
        turns = list(dict.fromkeys(turn.id for turn in answer))
        sessions = list(dict.fromkeys(turn.session for turn in answer))
        for depth in TURN_DEPTHS:
            self.turn[depth].append(found_within(depth, turns, [t.id for t in gold]))
        for depth in SESSION_DEPTHS:
            self.session[depth].append(found_within(depth, sessions, [t.session for t in gold]))

    def row(self, level):
        return {f"R@{depth}": round(100 * statistics.fmean(values), 1)
                for depth, values in getattr(self, level).items()}


def measure(client, memory, conversations, turns):
    total, by_category, times = Scores(), collections.defaultdict(Scores), []
    for conversation in conversations:
        for question, category, gold in conversation.questions:
            began = time.perf_counter()
            answer = client.retrieve_memory_records(
                memoryId=memory, namespace=conversation.namespace, maxResults=DEPTH,
                searchCriteria={"searchQuery": question, "topK": DEPTH})
            times.append(1000 * (time.perf_counter() - began))
            found = [turns[record["memoryRecordId"]]
                     for record in answer["memoryRecordSummaries"]]
            total.add(found, gold)
            by_category[category].add(found, gold)
    return total, by_category, times


def table(result):
    print(f"{'':22}" + "".join(f"{name:>8}" for name in result["turn"]) +
          "".join(f"{'s.' + name:>8}" for name in result["session"]))
    rows = [("all", result), *result["categories"].items()]
    for name, row in rows:
        print(f"{name:22}" + "".join(f"{value:8.1f}" for value in row["turn"].values()) +
              "".join(f"{value:8.1f}" for value in row["session"].values()) +
              f"   {row['questions']} questions")
    ms = result["ms"]
    print(f"a question, with {DEPTH} records answered: p50 {ms['p50']} ms, p99 {ms['p99']} ms")


def await_vectors(daemon, count):
    """Until every record has its vector: asked of the database, which they are kept in."""
    path = f"file:{daemon.data_dir}/agentcored.sqlite?mode=ro"
    with sqlite3.connect(path, uri=True) as database:
        while database.execute("SELECT COUNT(*) FROM memory_vectors").fetchone()[0] < count:
            time.sleep(0.5)


def run(client, control, conversations, records, embedding_daemon):
    strategies = [] if records == "raw" else [
        {"semanticMemoryStrategy": {"name": "facts", "namespaces": ["/conversations/{actorId}"]}}]
    memory = control.create_memory(name=f"recall_{time.time_ns()}", eventExpiryDuration=365,
                                   memoryStrategies=strategies)["memory"]["id"]
    try:
        began = time.perf_counter()
        store = store_raw if records == "raw" else store_extracted
        turns = store(client, memory, conversations)
        if embedding_daemon:
            await_vectors(embedding_daemon, len(turns))
        print(f"stored in {time.perf_counter() - began:.1f} s")
        total, by_category, times = measure(client, memory, conversations, turns)
    finally:
        control.delete_memory(memoryId=memory)
    result = {"records": records, "turn": total.row("turn"), "session": total.row("session"),
              "questions": len(times)}
    result["categories"] = {
        CATEGORIES.get(category, str(category)): {
            "turn": scores.row("turn"), "session": scores.row("session"),
            "questions": len(scores.turn[1])}
        for category, scores in sorted(by_category.items(), key=lambda item: str(item[0]))}
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    result["ms"] = {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--records", choices=("raw", "extracted"), default="raw")
    parser.add_argument("--endpoint")
    parser.add_argument("--embedding", default="")
    arguments = parser.parse_args()
    given = json.loads(arguments.data.read_text())
    conversations = [Conversation(i, item) for i, item in enumerate(given)]
    with tempfile.TemporaryDirectory() as folder:
        run_in(folder, arguments, conversations)


def run_in(folder, arguments, conversations):
    config = pathlib.Path(folder, "config.yaml")
    config.write_text(f"memory: {{embedding: '{arguments.embedding}'}}\n")
    daemon = None if arguments.endpoint else Daemon(arguments=["--config", config]).start()
    try:
        def client(service):
            if daemon:
                return daemon.client(service)
            return boto3.client(service, endpoint_url=arguments.endpoint)
        result = run(client("bedrock-agentcore"), client("bedrock-agentcore-control"),
                     conversations, arguments.records,
                     daemon if arguments.embedding else None)
    finally:
        if daemon:
            daemon.remove()
    table(result)
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
