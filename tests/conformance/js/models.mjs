// Amazon Bedrock Runtime by the AWS SDK for JavaScript, which speaks HTTP/2, on scripted models.
import assert from "node:assert/strict";
import {
    BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand,
    InvokeModelCommand, InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";

const client = new BedrockRuntimeClient({ maxAttempts: 1 });
const modelId = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
const user = (text) => ({ role: "user", content: [{ text }] });
const tools = [{ toolSpec: { name: "weather", inputSchema: { json: { type: "object" } } } }];

async function events(prompt, more = {}) {
    const answer = await client.send(
        new ConverseStreamCommand({ modelId, messages: [user(prompt)], ...more }));
    const seen = [];
    for await (const event of answer.stream) seen.push(event);
    return seen;
}

// Whole.
const answer = await client.send(new ConverseCommand({
    modelId, messages: [user("Hello")], system: [{ text: "Be kind." }],
    inferenceConfig: { maxTokens: 10, temperature: 0.5 },
}));
assert.deepEqual(answer.output.message,
                 { role: "assistant", content: [{ text: "You said: Hello" }] });
assert.equal(answer.stopReason, "end_turn");
assert.equal(answer.usage.totalTokens, answer.usage.inputTokens + answer.usage.outputTokens);
assert.ok(answer.metrics.latencyMs >= 0);

// Streamed.
const stream = await events("one two");
const kinds = stream.map((event) => Object.keys(event)[0]);
assert.equal(kinds[0], "messageStart");
assert.deepEqual(kinds.slice(-3), ["contentBlockStop", "messageStop", "metadata"]);
assert.equal(stream.map((e) => e.contentBlockDelta?.delta.text ?? "").join(""),
             "You said: one two");
assert.ok(stream.at(-1).metadata.usage.totalTokens > 0);

// A tool.
const called = await events("weather", { toolConfig: { tools } });
const start = called.find((event) => event.contentBlockStart).contentBlockStart;
assert.equal(start.start.toolUse.name, "weather");
const input = called.map((e) => e.contentBlockDelta?.delta.toolUse?.input ?? "").join("");
assert.deepEqual(JSON.parse(input), { city: "Seoul" });

// Bytes that a model thought.
const thought = await events("think");
assert.ok(thought.some((e) => e.contentBlockDelta?.delta.reasoningContent?.signature === "c2ln"));

// Errors, before and inside a stream.
for (const [prompt, name] of [["please throttle", "ThrottlingException"],
                              ["please time out", "ModelTimeoutException"],
                              ["please fail", "ModelErrorException"],
                              ["please be away", "ServiceUnavailableException"]]) {
    await assert.rejects(events(prompt), { name });
    await assert.rejects(
        client.send(new ConverseCommand({ modelId, messages: [user(prompt)] })), { name });
}
await assert.rejects(events("break in the middle"), { name: "ModelStreamErrorException" });
await assert.rejects(client.send(new ConverseCommand({ modelId, messages: [] })),
                     { name: "ValidationException" });

// Anthropic's bodies.
const body = JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 5,
                              messages: [{ role: "user", content: "Hello" }] });
const invoked = await client.send(
    new InvokeModelCommand({ modelId, body, contentType: "application/json" }));
assert.equal(JSON.parse(invoked.body.transformToString()).content[0].text, "You said: Hello");
const chunks = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
const types = [];
for await (const event of chunks.body)
    types.push(JSON.parse(new TextDecoder().decode(event.chunk.bytes)).type);
assert.equal(types[0], "message_start");
assert.equal(types.at(-1), "message_stop");

// Many at once, on one connection.
const many = await Promise.all(
    Array.from({ length: 40 }, (_, i) => events(`number ${i} ${"x".repeat(20000)}`)));
many.forEach((seen, i) => {
    const text = seen.map((e) => e.contentBlockDelta?.delta.text ?? "").join("");
    assert.ok(text.startsWith(`You said: number ${i} x`) && text.length > 20000);
});

// A caller that leaves.
const hanging = await client.send(
    new ConverseStreamCommand({ modelId, messages: [user("hang")] }));
for await (const event of hanging.stream) {
    assert.ok(event.messageStart);
    break;
}

// Tokens.
const counted = await client.send(new CountTokensCommand({
    modelId, input: { converse: { messages: [user("Hello")] } } }));
assert.ok(counted.inputTokens > 0);
process.exit(0); // the stream that hangs would keep it alive
