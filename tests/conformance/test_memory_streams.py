"""Streams of changes of records: to an HTTP endpoint, as Lambda functions get a Kinesis stream's
records, and to a bucket."""
import base64
import http.server
import json
import threading
import time

import pytest

from conftest import served
from daemon import eventually
from memory_support import FACTS, add, code_of, name_of

STREAM = "arn:aws:kinesis:us-west-2:000000000000:stream/hooked"
BUCKET_STREAM = "arn:aws:kinesis:us-west-2:000000000000:stream/kept"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the events it was sent; refuses while told to."""

    def __init__(self):
        self.events, self.records, self.refuses, self.refused = [], [], False, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.refused += outer.refuses
                if not outer.refuses:
                    outer.records += body["Records"]
                    outer.events += [json.loads(base64.b64decode(record["kinesis"]["data"]))[
                        "memoryStreamEvent"] for record in body["Records"]]
                self.send_response(503 if outer.refuses else 200)
                self.end_headers()

            def log_message(self, *_):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kinds(self, memory):
        return [e["eventType"] for e in self.events if e["memoryId"] == memory]


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as running:
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def streaming(tmp_path_factory, receiver):
    config = tmp_path_factory.mktemp("streams") / "config.yaml"
    config.write_text(f"memory:\n  streams:\n"
                      f"    {STREAM}: http://127.0.0.1:{receiver.server_port}/changes\n"
                      f"    {BUCKET_STREAM}: s3://changes/memory\n")
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


def delivery(stream, level="FULL_CONTENT"):
    return {"resources": [{"kinesis": {"dataStreamArn": stream, "contentConfigurations": [
        {"type": "MEMORY_RECORDS", "level": level}]}}]}


def make(daemon, stream, level="FULL_CONTENT"):
    return daemon.client("bedrock-agentcore-control").create_memory(
        name=name_of("streamed"), eventExpiryDuration=7, memoryStrategies=[
            {"semanticMemoryStrategy": {"name": "facts", "namespaceTemplates": [FACTS]}}],
        streamDeliveryResources=delivery(stream, level))["memory"]


def write(data, memory, text):
    return data.batch_create_memory_records(memoryId=memory, records=[{
        "requestIdentifier": "one", "namespaces": ["/notes"], "content": {"text": text},
        "timestamp": time.time()}])["successfulRecords"][0]["memoryRecordId"]


def test_changes_of_records_reach_an_endpoint_in_order(streaming, receiver):
    data = streaming.client("bedrock-agentcore")
    control = streaming.client("bedrock-agentcore-control")
    made = make(streaming, STREAM)
    memory = made["id"]
    assert made["streamDeliveryResources"] == delivery(STREAM)
    shown = control.get_memory(memoryId=memory)["memory"]
    assert shown["streamDeliveryResources"] == delivery(STREAM)
    record = write(data, memory, "Ann swims")
    data.batch_update_memory_records(memoryId=memory, records=[
        {"memoryRecordId": record, "timestamp": time.time(), "content": {"text": "Ann runs"}}])
    data.delete_memory_record(memoryId=memory, memoryRecordId=record)
    wanted = ["StreamingEnabled", "MemoryRecordCreated", "MemoryRecordUpdated",
              "MemoryRecordDeleted"]
    assert eventually(lambda: receiver.kinds(memory) == wanted), receiver.kinds(memory)
    created = next(e for e in receiver.events
                   if e["eventType"] == "MemoryRecordCreated" and e["memoryId"] == memory)
    assert created["memoryRecordId"] == record and created["memoryRecordText"] == "Ann swims"
    assert created["namespaces"] == ["/notes"] and created["eventTime"].endswith("Z")
    envelope = receiver.records[0]
    assert (envelope["eventSource"], envelope["eventSourceARN"]) == ("aws:kinesis", STREAM)
    numbers = [r["kinesis"]["sequenceNumber"] for r in receiver.records]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)

    add(data, memory, "I live in Busan near the sea.")
    assert eventually(lambda: len(receiver.kinds(memory)) > 4)
    extracted = receiver.events[-1]
    assert extracted["memoryStrategyType"] == "SEMANTIC"
    assert "Busan" in extracted["memoryRecordText"]
    control.update_memory(memoryId=memory, streamDeliveryResources={"resources": []})
    before = len(receiver.kinds(memory))
    write(data, memory, "Nobody hears this")
    other = make(streaming, STREAM, "METADATA_ONLY")["id"]
    write(data, other, "Only that it is there")
    assert eventually(lambda: len(receiver.kinds(other)) == 2)
    assert "memoryRecordText" not in receiver.events[-1]
    assert len(receiver.kinds(memory)) == before


def test_changes_outlive_a_receiver_that_is_away_and_a_kill(streaming, receiver):
    data = streaming.client("bedrock-agentcore")
    receiver.refuses, receiver.refused = True, 0
    memory = make(streaming, STREAM)["id"]
    written = [write(data, memory, f"note {i}") for i in range(5)]
    assert eventually(lambda: receiver.refused)
    streaming.kill9()
    streaming.start()
    receiver.refuses = False
    assert eventually(lambda: len(receiver.kinds(memory)) == 6, 20)
    told = [e["memoryRecordId"] for e in receiver.events
            if e["memoryId"] == memory and "memoryRecordId" in e]
    assert told == written


def test_changes_reach_a_bucket(streaming):
    data, s3 = streaming.client("bedrock-agentcore"), streaming.client("s3")
    s3.create_bucket(Bucket="changes", CreateBucketConfiguration={
        "LocationConstraint": "us-west-2"})
    memory = make(streaming, BUCKET_STREAM)["id"]
    write(data, memory, "Ann swims")

    def lines():
        keys = [o["Key"] for o in s3.list_objects_v2(
            Bucket="changes", Prefix="memory/").get("Contents", [])]
        text = b"".join(s3.get_object(Bucket="changes", Key=key)["Body"].read() for key in keys)
        return [json.loads(line)["memoryStreamEvent"] for line in text.splitlines()]
    assert eventually(lambda: len(lines()) == 2)
    assert [e["eventType"] for e in lines()] == ["StreamingEnabled", "MemoryRecordCreated"]


def test_a_stream_that_nothing_stands_for_is_refused(streaming):
    control = streaming.client("bedrock-agentcore-control")
    elsewhere = delivery("arn:aws:kinesis:us-west-2:000000000000:stream/elsewhere")
    assert code_of(control.create_memory, name=name_of("lost"), eventExpiryDuration=7,
                   streamDeliveryResources=elsewhere) == "ValidationException"
    memory = make(streaming, STREAM)["id"]
    assert code_of(control.update_memory, memoryId=memory,
                   streamDeliveryResources=elsewhere) == "ValidationException"
