"""Memory: events, extraction and retrieval through the API, with one fdatasync as the peer.

    ./dev bench memory [--parts PART,...] [--records N,...] [--expiring N] [--seconds N]
                       [--folder FOLDER] [--embedding NAME] [--json]

Parts: create (CreateEvent, 1 and 64 clients), list (ListEvents, the last 10 of a session of
100 000), lag (event acknowledged to record retrievable, 100 events a second), retrieve
(RetrieveMemoryRecords, top 10, with resident memory a record and the time of an index rebuilt after
a kill), and, when it is asked for, expiry (ListEvents and CreateEvent while `--expiring` events go
that expired at one moment). `--records 100000,1000000` adds the million, which takes some minutes
to store. `--embedding hashed-ngrams` gives every record a vector of 384 dimensions
(memory.embedding); the questions are asked when all have theirs. Requests are signed beforehand.
The folder must be on the disk that is to be measured.
"""
import argparse
import http.client
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from _daemon import REGION, ROOT, daemon
from _memory_expiry import AFTER_SECONDS, calls_until, expire_now, left
from _memory_text import Text, second_of

SESSION_EVENTS = 100_000
BATCH = 100
QUESTIONS = 400
LAG_RATE = 100
EVENT_BYTES = 200


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fdatasync_ms(folder, rounds=400):
    """p50 of appending one page and syncing it: what a durable write cannot go below."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        page = os.urandom(4096)
        for _ in range(rounds):
            began = time.perf_counter()
            os.write(file.fileno(), page)
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    return percentile(times, 0.5)


class Api:
    """Signs requests of the data plane and sends them over one kept connection."""

    def __init__(self, served):
        self.served = served
        self.host = f"127.0.0.1:{served.port}"
        self.connection = http.client.HTTPConnection(self.host, timeout=120)

    def signed(self, method, path, body):
        request = AWSRequest(method, f"http://{self.host}{path}", data=json.dumps(body).encode(),
                             headers={"Content-Type": "application/json", "Host": self.host})
        SigV4Auth(self.served.credentials, "bedrock-agentcore", REGION).add_auth(request)
        return method, path, request.data, dict(request.headers)

    def send(self, signed):
        """The answer and the milliseconds that it took."""
        method, path, body, headers = signed
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        took = 1000 * (time.perf_counter() - began)
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text[:300]!r}")
        return json.loads(text), took

    def call(self, method, path, body):
        return self.send(self.signed(method, path, body))[0]


def raw(signed):
    method, path, body, headers = signed
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()),
             f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def wrk(served, requests, clients, seconds, folder):
    """Closed loop over `requests` in turn; requests a second, p50 and p99 in milliseconds."""
    texts = ",\n".join("\"" + "".join(f"\\{byte:03d}" for byte in raw(one)) + "\""
                       for one in requests)
    script = Path(folder, "requests.lua")
    script.write_text(f"local texts = {{{texts}}}\nlocal at = 0\n"
                      "request = function() at = at % #texts + 1 return texts[at] end\n", "ascii")
    out = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", str(script),
         f"http://127.0.0.1:{served.port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    units = {"us": 0.001, "ms": 1, "s": 1000}
    cuts = {name: float(number) * units[unit] for name, number, unit in
            re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", out)}
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            "p50": cuts["50"], "p99": cuts["99"]}


def make_memory(served, strategies=()):
    control = served.client("bedrock-agentcore-control")
    return control.create_memory(name=f"bench_{time.time_ns()}", eventExpiryDuration=365,
                                 memoryStrategies=list(strategies))["memory"]["id"]


def event(memory, actor, session, text, when):
    return f"/memories/{memory}/events", {
        "actorId": actor, "sessionId": session, "eventTimestamp": when,
        "payload": [{"conversational": {"role": "USER", "content": {"text": text}}}]}


def measure_create(served, folder, seconds):
    api, memory, text = Api(served), make_memory(served), Text()
    words = (text.turn() + " " + text.turn())[:EVENT_BYTES]
    requests = [api.signed("POST", *event(memory, "bench", f"session-{n}", words, int(time.time())))
                for n in range(64)]
    sync = fdatasync_ms(folder)
    alone = wrk(served, requests, 1, seconds, folder)
    many = wrk(served, requests, 64, seconds, folder)
    return {"fdatasync_p50_ms": sync, "one_client": alone, "ratio": alone["p50"] / sync,
            "clients_64": many}


def measure_list(served, folder, seconds):
    api, memory = Api(served), make_memory(served)
    one = api.signed("POST", *event(memory, "bench", "long", "x" * EVENT_BYTES, int(time.time())))
    stored = 0
    while stored < SESSION_EVENTS:
        done = wrk(served, [one], 64, 2, folder)
        stored += int(2 * done["rate"])
    path = f"/memories/{memory}/actor/bench/sessions/long"
    page = api.signed("POST", path, {"maxResults": 10})
    assert len(api.send(page)[0]["events"]) == 10
    return {"events": stored, **wrk(served, [page], 1, seconds, folder)}


def measure_lag(served, seconds):
    """Every tenth event is waited for: its record is asked for until it is found."""
    memory = make_memory(served, [{"semanticMemoryStrategy": {
        "name": "facts", "namespaces": ["/lag/{actorId}"]}}])
    sender, asker, text = Api(served), Api(served), Text()
    now = int(time.time())
    events = [sender.signed("POST", *event(
        memory, f"actor-{n % 50}", f"session-{n % 200}", f"My marker{n}x is {text.turn()}", now))
        for n in range(LAG_RATE * seconds)]
    questions = {n: asker.signed("POST", f"/memories/{memory}/retrieve", {
        "namespace": f"/lag/actor-{n % 50}",
        "searchCriteria": {"searchQuery": f"marker{n}x", "topK": 1}})
        for n in range(0, len(events), 10)}
    acknowledged, lags, ready = [], [], threading.Semaphore(0)

    def ask():
        for _ in questions:
            ready.acquire()
            number, since = acknowledged.pop(0)
            while True:
                found = asker.send(questions[number])[0]["memoryRecordSummaries"]
                if found and f"marker{number}x" in found[0]["content"]["text"]:
                    break
            lags.append(1000 * (time.perf_counter() - since))

    thread = threading.Thread(target=ask)
    thread.start()
    began = time.perf_counter()
    for number, one in enumerate(events):
        time.sleep(max(0, began + number / LAG_RATE - time.perf_counter()))
        sender.send(one)
        if number in questions:
            acknowledged.append((number, time.perf_counter()))
            ready.release()
    thread.join()
    return {"events": len(events), "p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99)}


def measure_expiry(folder, count):
    with daemon(folder=folder) as served:
        memory = make_memory(served)
        api = Api(served)
        fill = [api.signed("POST", *event(memory, "bench", f"session-{n}", "x" * EVENT_BYTES,
                                          int(time.time()))) for n in range(64)]
        stored = 0
        while stored < count:
            stored += int(2 * wrk(served, fill, 64, 2, folder)["rate"])
    expire_now(folder)
    with daemon(folder=folder) as served:
        apis = [Api(served), Api(served)]
        calls = [apis[0].signed("POST", f"/memories/{memory}/actor/bench/sessions/live",
                                {"maxResults": 10}),
                 apis[1].signed("POST", *event(memory, "bench", "live", "x" * EVENT_BYTES,
                                               int(time.time())))]
        took, during = calls_until(apis, calls, lambda _: not left(folder))
        _, after = calls_until(apis, calls, lambda seconds: seconds > AFTER_SECONDS)
    cuts = [{"p50": percentile(times, 0.5), "p99": percentile(times, 0.99), "max": max(times)}
            for times in (*during, *after)]
    return {"events": stored, "seconds": took, **dict(zip(
        ("list_during", "create_during", "list_after", "create_after"), cuts))}


def store_records(api, memory, count):
    text, kept = Text(), []
    every = max(1, count // QUESTIONS)
    for start in range(0, count, BATCH):
        turns = [text.turn() for _ in range(BATCH)]
        kept += [turn for n, turn in enumerate(turns) if (start + n) % every == 0]
        api.call("POST", f"/memories/{memory}/memoryRecords/batchCreate", {"records": [
            {"requestIdentifier": str(start + n), "namespaces": ["/bench"],
             "content": {"text": turn}, "timestamp": second_of(start + n)}
            for n, turn in enumerate(turns)]})
    return [text.question(turn) for turn in kept]


def ask_all(api, memory, questions):
    times, found = [], 0
    for question in questions:
        one = api.signed("POST", f"/memories/{memory}/retrieve", {
            "namespace": "/bench", "searchCriteria": {"searchQuery": question, "topK": 10}})
        answer, took = api.send(one)
        found += len(answer["memoryRecordSummaries"])
        times.append(took)
    assert found > 0
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


def await_vectors(folder, count):
    """Until every record has its vector: asked of the database, which they are kept in."""
    with sqlite3.connect(f"file:{folder}/data/agentcored.sqlite?mode=ro", uri=True) as database:
        while database.execute("SELECT COUNT(*) FROM memory_vectors").fetchone()[0] < count:
            time.sleep(1)


def measure_retrieve(folder, count, embedding):
    more = f"memory: {{embedding: '{embedding}'}}\n"
    with daemon(folder=folder, more=more) as served:
        api, memory = Api(served), make_memory(served)
        before, began = served.resident_mb(), time.perf_counter()
        questions = store_records(api, memory, count)
        stored = time.perf_counter() - began
        if embedding:
            await_vectors(folder, count)
            api = Api(served)  # an idle connection is closed meanwhile
        ask_all(api, memory, questions[:50])
        result = {"records": count, **ask_all(api, memory, questions), "store_seconds": stored,
                  "resident_kb_a_record": 1024 * (served.resident_mb() - before) / count}
        served.process.kill()
    with daemon(folder=folder, more=more) as served:
        began = time.perf_counter()
        api = Api(served)
        ask_all(api, memory, questions[:1])
        result["first_answer_after_kill_ms"] = 1000 * (time.perf_counter() - began)
        while min(ask_all(api, memory, questions[:1])["p50"] for _ in range(3)) > 4 * result["p99"]:
            time.sleep(0.2)
        result["rebuild_seconds"] = time.perf_counter() - began
        result["resident_kb_a_record_after_rebuild"] = (
            1024 * (served.resident_mb() - before) / count)
    return result


def line(what, target, measured):
    print(f"{what:58} {target:>22}   {measured}")


def show(result):
    line("", "target", "measured")
    if made := result.get("create"):
        line("CreateEvent, 1 client, p50 over one fdatasync", "<= 1.5",
             f"{made['ratio']:.2f} ({made['one_client']['p50']:.2f} ms over "
             f"{made['fdatasync_p50_ms']:.2f} ms)")
        many = made["clients_64"]
        line("CreateEvent, 64 clients", ">= 10000/s",
             f"{many['rate']:.0f}/s, p50 {many['p50']:.1f} ms, p99 {many['p99']:.1f} ms")
    if listed := result.get("list"):
        line(f"ListEvents, last 10 of {listed['events']}", "p99 <= 2 ms",
             f"p50 {listed['p50']:.2f} ms, p99 {listed['p99']:.2f} ms")
    if expiry := result.get("expiry"):
        line(f"{expiry['events']} events that expired at once", "gone without stalls",
             f"gone in {expiry['seconds']:.1f} s")
        for what in ("list", "create"):
            during, after = expiry[f"{what}_during"], expiry[f"{what}_after"]
            line(f"  {what.capitalize()}Event{'s' if what == 'list' else ''} meanwhile; then", "",
                 f"p50 {during['p50']:.2f} ms, p99 {during['p99']:.2f} ms, slowest "
                 f"{during['max']:.1f} ms; p50 {after['p50']:.2f} ms, p99 {after['p99']:.2f} ms")
    if lag := result.get("lag"):
        line(f"event acknowledged to record found, {LAG_RATE}/s", "p99 <= 250 ms",
             f"p50 {lag['p50']:.1f} ms, p99 {lag['p99']:.1f} ms")
    for one in result.get("retrieve", []):
        line(f"RetrieveMemoryRecords, top 10 of {one['records']}",
             "p99 <= 5 ms" if one["records"] <= 100_000 else "p99 <= 20 ms",
             f"p50 {one['p50']:.2f} ms, p99 {one['p99']:.2f} ms")
        line("  resident a record", "<= 2.5 KB",
             f"{one['resident_kb_a_record']:.2f} KB (rebuilt: "
             f"{one['resident_kb_a_record_after_rebuild']:.2f} KB)")
        line("  stored, then killed: index complete again after", "",
             f"{one['store_seconds']:.1f} s, {one['rebuild_seconds']:.1f} s (first answer "
             f"{one['first_answer_after_kill_ms']:.0f} ms)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--parts", default="create,list,lag,retrieve")
    parser.add_argument("--records", default="100000")
    parser.add_argument("--expiring", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--embedding", default="")
    parser.add_argument("--folder", type=Path, default=ROOT / "build")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    parts, result = options.parts.split(","), {}
    with tempfile.TemporaryDirectory(prefix="bench-memory-", dir=options.folder) as folder:
        with daemon(folder=folder) as served:
            if "create" in parts:
                result["create"] = measure_create(served, folder, options.seconds)
            if "list" in parts:
                result["list"] = measure_list(served, folder, options.seconds)
            if "lag" in parts:
                result["lag"] = measure_lag(served, 2 * options.seconds)
    if "expiry" in parts:
        with tempfile.TemporaryDirectory(prefix="bench-memory-", dir=options.folder) as folder:
            result["expiry"] = measure_expiry(folder, options.expiring)
    if "retrieve" in parts:
        result["retrieve"] = []
        for count in map(int, options.records.split(",")):
            with tempfile.TemporaryDirectory(prefix="bench-memory-", dir=options.folder) as folder:
                result["retrieve"].append(
                    measure_retrieve(folder, count, options.embedding))
    show(result)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
