// Code Interpreter: a session, every kind of content, files larger than one event, errors.
import assert from "node:assert/strict";
import {
    BedrockAgentCoreClient, GetCodeInterpreterSessionCommand, InvokeCodeInterpreterCommand,
    ListCodeInterpreterSessionsCommand, StartCodeInterpreterSessionCommand,
    StopCodeInterpreterSessionCommand,
} from "@aws-sdk/client-bedrock-agentcore";

const client = new BedrockAgentCoreClient();
const codeInterpreterIdentifier = "aws.codeinterpreter.v1";
const started = await client.send(
    new StartCodeInterpreterSessionCommand({ codeInterpreterIdentifier, name: "from-js" }));
const session = { codeInterpreterIdentifier, sessionId: started.sessionId };
assert.ok(started.createdAt instanceof Date);

async function events(name, args) {
    const answer = await client.send(
        new InvokeCodeInterpreterCommand({ ...session, name, arguments: args }));
    assert.equal(answer.sessionId, session.sessionId);
    const found = [];
    for await (const event of answer.stream) found.push(event.result);
    return found;
}
const call = async (name, args) => (await events(name, args)).at(-1);
const run = (code, language = "python") => call("executeCode", { code, language });

assert.equal((await run("6 * 7")).structuredContent.stdout, "42");
assert.equal((await run("await Promise.resolve(7)", "javascript")).structuredContent.stdout, "7");
assert.equal((await run("const n: number = 8; n", "typescript")).structuredContent.stdout, "8");
const failed = await run("1 / 0");
assert.equal(failed.isError, true);
assert.equal(failed.structuredContent.exitCode, 1);
const chart = await run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()");
const image = chart.content.find((block) => block.type === "image");
assert.deepEqual([...image.data.subarray(1, 4)], [...Buffer.from("PNG")]);

// Output comes while the code runs.
const slow = await events("executeCode", {
    language: "python",
    code: "import time\nprint('begun', flush=True)\ntime.sleep(2)\nprint('ended')" });
assert.ok(slow.length > 1);
assert.equal(slow[0].structuredContent.taskStatus, "working");
assert.equal(slow.at(-1).structuredContent.stdout, "begun\nended");

// Files: small ones whole, large ones in pieces one behind the other.
await call("writeFiles", { content: [{ path: "a.txt", text: "one\ntwo" },
    { path: "sub/b.bin", blob: Uint8Array.from([0, 1, 255]) }] });
const read = await call("readFiles", { paths: ["a.txt", "sub/b.bin"] });
assert.equal(read.content[0].resource.text, "one\ntwo");
assert.deepEqual([...read.content[1].resource.blob], [0, 1, 255]);
const listed = await call("listFiles", { directoryPath: "" });
assert.ok(listed.content.some((block) => block.name === "a.txt" && block.size === 7));

const large = Buffer.alloc(40_000_000);
for (let i = 0; i < large.length; i += 1) large[i] = (i * 7919) >> 5;
const wrote = await call("writeFiles", { content: [{ path: "large", blob: large }] });
assert.equal(wrote.isError, false);
const pieces = await events("readFiles", { paths: ["large"] });
assert.ok(pieces.length > 2);
const blocks = pieces.flatMap((result) => result.content);
assert.ok(blocks.every((block) => block.resource.uri === "file://large"));
assert.equal(blocks[0].size, large.length);
assert.ok(large.equals(Buffer.concat(blocks.map((block) => block.resource.blob))));
await call("removeFiles", { paths: ["large"] });

// A task.
const task = (await call("startCommandExecution", { command: "echo hi; exit 3" }))
    .structuredContent.taskId;
let state;
do {
    state = (await call("getTask", { taskId: task })).structuredContent;
} while (["submitted", "working"].includes(state.taskStatus));
assert.deepEqual([state.taskStatus, state.stdout, state.exitCode], ["failed", "hi", 3]);

const view = await client.send(new GetCodeInterpreterSessionCommand(session));
assert.equal(view.status, "READY");
const page = await client.send(
    new ListCodeInterpreterSessionsCommand({ codeInterpreterIdentifier, status: "READY" }));
assert.ok(page.items.some((item) => item.sessionId === session.sessionId));
await client.send(new StopCodeInterpreterSessionCommand(session));
await assert.rejects(run("1"), { name: "ResourceNotFoundException" });
