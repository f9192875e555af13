// Every operation of Memory by the AWS SDK for JavaScript v3, which has members that Python's does
// not (IngestData, json payloads, namespaceKeys): both planes, from creation to deletion.
import assert from "node:assert/strict";
import {
    BatchCreateMemoryRecordsCommand, BatchDeleteMemoryRecordsCommand,
    BatchUpdateMemoryRecordsCommand, CreateEventCommand,
    DeleteEventCommand, DeleteMemoryRecordCommand, GetEventCommand, GetMemoryRecordCommand,
    IngestDataCommand, ListEventsCommand, ListMemoryExtractionJobsCommand,
    ListMemoryRecordsCommand, RetrieveMemoryRecordsCommand, StartMemoryExtractionJobCommand,
    paginateListActors, paginateListEvents, paginateListSessions,
} from "@aws-sdk/client-bedrock-agentcore";
import {
    CreateMemoryCommand, DeleteMemoryCommand, GetMemoryCommand, ListMemoriesCommand,
    UpdateMemoryCommand,
} from "@aws-sdk/client-bedrock-agentcore-control";
import { everyOperation } from "./lib/every_operation.mjs";

const kFamily = /Memory|Memories|Event|Session|Actor|IngestData/;
const kOthers = /Runtime|CodeInterpreter|Browser|Payment|CapacityProvider/;
const { control, data, missed } = everyOperation(
    (name) => kFamily.test(name) && !kOthers.test(name));
const actorId = "kim", sessionId = "s1";
const said = (text, role = "USER") => ({ conversational: { content: { text }, role } });

async function eventually(look) {
    for (let i = 0; i < 400; ++i) {
        const value = await look();
        if (value) return value;
        await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail("it never happened");
}

// A memory and its strategies.
const created = await control.send(new CreateMemoryCommand({
    name: "from_js", eventExpiryDuration: 7, tags: { made: "here" },
    namespaceKeys: [{ key: "team", validation: { allowedValues: ["red", "blue"] } }],
    indexedKeys: [{ key: "topic", type: "STRING" }],
    memoryStrategies: [{ semanticMemoryStrategy: {
        name: "facts", namespaceTemplates: ["/facts/{team}/{actorId}"],
    } }],
}));
const memoryId = created.memory.id;
assert.ok(created.memory.createdAt instanceof Date);
const { memory } = await control.send(new GetMemoryCommand({ memoryId }));
assert.equal(memory.status, "ACTIVE");
assert.deepEqual(memory.strategies[0].namespaceTemplates, ["/facts/{team}/{actorId}"]);
assert.equal(memory.strategies[0].type, "SEMANTIC");
const listed = await control.send(new ListMemoriesCommand({ maxResults: 100 }));
assert.ok(listed.memories.some((item) => item.id === memoryId));
await assert.rejects(
    control.send(new CreateMemoryCommand({ name: "from_js", eventExpiryDuration: 7 })),
    (error) => error.name === "ValidationException" && /already exists/.test(error.message));

// Events, newest first; branches; metadata; documents.
const roots = [];
for (let i = 0; i < 5; ++i) {
    const { event } = await data.send(new CreateEventCommand({
        memoryId, actorId, sessionId, eventTimestamp: new Date(1_700_000_000_000 + i * 1000),
        payload: [said(`line ${i}`)], metadata: { topic: { stringValue: `t${i % 2}` } },
    }));
    assert.ok(event.eventTimestamp instanceof Date);
    assert.equal(event.branch.name, "main");
    roots.push(event.eventId);
}
const forked = await data.send(new CreateEventCommand({
    memoryId, actorId, sessionId, eventTimestamp: new Date(1_700_000_010_000),
    branch: { name: "other", rootEventId: roots[1] },
    payload: [{ blob: { deep: [{ "é": [null, 1.5, true] }] } }, { json: { content: { a: 1 } } }],
}));
const seen = [];
for await (const page of paginateListEvents({ client: data, pageSize: 2 },
    { memoryId, actorId, sessionId, filter: { branch: { name: "main" } } }))
    seen.push(...page.events.map((event) => event.eventId));
assert.deepEqual(seen, roots.toReversed());
const branch = await data.send(new ListEventsCommand({
    memoryId, actorId, sessionId, includePayloads: true,
    filter: { branch: { name: "other", includeParentBranches: true } },
}));
assert.deepEqual(branch.events.map((event) => event.eventId),
                 [forked.event.eventId, roots[1], roots[0]]);
assert.deepEqual(branch.events[0].payload[0].blob, { deep: [{ "é": [null, 1.5, true] }] });
const filtered = await data.send(new ListEventsCommand({
    memoryId, actorId, sessionId, filter: { eventMetadata: [{
        left: { metadataKey: "topic" }, operator: "EQUALS_TO",
        right: { metadataValue: { stringValue: "t1" } } }] },
}));
assert.deepEqual(filtered.events.map((event) => event.eventId), [roots[3], roots[1]]);
const actors = [], sessions = [];
for await (const page of paginateListActors({ client: data }, { memoryId }))
    actors.push(...page.actorSummaries.map((item) => item.actorId));
for await (const page of paginateListSessions({ client: data }, { memoryId, actorId }))
    sessions.push(...page.sessionSummaries);
assert.deepEqual(actors, [actorId]);
assert.equal(sessions[0].sessionId, sessionId);
assert.ok(sessions[0].createdAt instanceof Date);
const last = { memoryId, actorId, sessionId, eventId: roots[4] };
assert.deepEqual((await data.send(new GetEventCommand(last))).event.payload, [said("line 4")]);
await data.send(new DeleteEventCommand(last));
await assert.rejects(data.send(new GetEventCommand(last)), { name: "ResourceNotFoundException" });

// Long-term memory, without an event and with the template's own variable.
const ingested = await data.send(new IngestDataCommand({
    memoryId, actorId, sessionId: "s2", contentTimestamp: new Date(),
    source: { inline: { payload: [said("My sister plays the clarinet in Daegu.")] } },
    extractionConfig: { namespaceVariables: { team: "red" } },
}));
assert.equal(ingested.sessionId, "s2");
const namespace = "/facts/red/kim";
const retrieve = async (searchQuery) => (await data.send(new RetrieveMemoryRecordsCommand({
    memoryId, namespace, searchCriteria: { searchQuery, topK: 5 },
}))).memoryRecordSummaries;
const [found] = await eventually(async () => {
    const records = await retrieve("Who plays the clarinet?");
    return records.length > 0 && records[0].score > 0 && records;  // 0: newest, none matched yet
});
assert.match(found.content.text, /clarinet/);
assert.ok(found.score > 0 && found.createdAt instanceof Date);
await assert.rejects(data.send(new IngestDataCommand({
    memoryId, actorId, contentTimestamp: new Date(),
    source: { inline: { payload: [said("x")] } },
    extractionConfig: { namespaceVariables: { team: "green" } },
})), { name: "ValidationException" });

// Records of one's own.
const batch = await data.send(new BatchCreateMemoryRecordsCommand({ memoryId, records: [
    { requestIdentifier: "a", namespaces: ["/own"], content: { text: "Ann likes tea" },
      timestamp: new Date(), metadata: { topic: { stringValue: "drinks" } } },
    { requestIdentifier: "b", namespaces: ["/own"], content: { text: "Ben likes coffee" },
      timestamp: new Date() },
] }));
const [a, b] = batch.successfulRecords.map((item) => item.memoryRecordId);
const one = await data.send(new GetMemoryRecordCommand({ memoryId, memoryRecordId: a }));
assert.equal(one.memoryRecord.metadata.topic.stringValue, "drinks");
const updated = await data.send(new BatchUpdateMemoryRecordsCommand({ memoryId, records: [
    { memoryRecordId: b, timestamp: new Date(), content: { text: "Ben likes cocoa" } },
    { memoryRecordId: "mem-" + "0".repeat(36), timestamp: new Date() },
] }));
assert.equal(updated.successfulRecords.length, 1);
assert.equal(updated.failedRecords[0].errorCode, 404);
const narrowed = await data.send(new RetrieveMemoryRecordsCommand({
    memoryId, namespacePath: "/", searchCriteria: { searchQuery: "Who likes what?",
        metadataFilters: [{ left: { metadataKey: "topic" }, operator: "EQUALS_TO",
                            right: { metadataValue: { stringValue: "drinks" } } }] },
}));
assert.deepEqual(narrowed.memoryRecordSummaries.map((item) => item.memoryRecordId), [a]);
await data.send(new DeleteMemoryRecordCommand({ memoryId, memoryRecordId: a }));
await data.send(new BatchDeleteMemoryRecordsCommand({
    memoryId, records: [{ memoryRecordId: b }] }));
const left = await data.send(new ListMemoryRecordsCommand({ memoryId, namespace: "/own" }));
assert.deepEqual(left.memoryRecordSummaries, []);
const failed = await data.send(new ListMemoryExtractionJobsCommand({ memoryId }));
assert.deepEqual(failed.jobs, []);
await assert.rejects(data.send(new StartMemoryExtractionJobCommand({
    memoryId, extractionJob: { jobId: "none-has-failed" } })),
                     { name: "ResourceNotFoundException" });

// Changed and deleted.
const changed = await control.send(new UpdateMemoryCommand({
    memoryId, eventExpiryDuration: 30, description: "changed",
    memoryStrategies: { addMemoryStrategies: [{ summaryMemoryStrategy: { name: "sums" } }] },
}));
assert.equal(changed.memory.eventExpiryDuration, 30);
assert.equal(changed.memory.strategies[1].type, "SUMMARIZATION");
const gone = await control.send(new DeleteMemoryCommand({ memoryId }));
assert.equal(gone.status, "DELETING");
await assert.rejects(control.send(new GetMemoryCommand({ memoryId })),
                     { name: "ResourceNotFoundException" });
assert.deepEqual(missed(), ["StartMemoryExtractionJobCommand"]);
