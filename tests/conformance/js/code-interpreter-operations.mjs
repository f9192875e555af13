// Every operation of Code Interpreter that the installed SDKs have, at least once; what a newer SDK
// brings fails this until somebody drives it.
import assert from "node:assert/strict";
import { everyOperation } from "./lib/every_operation.mjs";

const { send, missed } = everyOperation((name) => name.includes("CodeInterpreter"));

const made = await send("CreateCodeInterpreterCommand", {
    name: "every_operation", description: "driven by JavaScript",
    networkConfiguration: { networkMode: "SANDBOX" }, tags: { team: "js" },
    clientToken: "every-operation-of-code-interpreter" });
const codeInterpreterId = made.codeInterpreterId;
assert.match(codeInterpreterId, /^every_operation-[a-zA-Z0-9]{10}$/);
assert.ok(made.createdAt instanceof Date);
const found = await send("GetCodeInterpreterCommand", { codeInterpreterId });
assert.deepEqual([found.status, found.description, found.networkConfiguration.networkMode],
                 ["READY", "driven by JavaScript", "SANDBOX"]);
const listed = await send("ListCodeInterpretersCommand", { type: "CUSTOM" });
assert.ok(listed.codeInterpreterSummaries.some(
    (one) => one.codeInterpreterId === codeInterpreterId));

const where = { codeInterpreterIdentifier: codeInterpreterId };
const started = await send("StartCodeInterpreterSessionCommand", {
    ...where, name: "one", sessionTimeoutSeconds: 120 });
assert.match(started.sessionId, /^[0-9a-zA-Z]{1,40}$/);
const session = { ...where, sessionId: started.sessionId };
const view = await send("GetCodeInterpreterSessionCommand", session);
assert.deepEqual([view.status, view.name, view.sessionTimeoutSeconds], ["READY", "one", 120]);
const answer = await send("InvokeCodeInterpreterCommand", {
    ...session, name: "executeCommand", arguments: { command: "echo from here; pwd" } });
const results = [];
for await (const event of answer.stream) results.push(event.result);
assert.equal(results.at(-1).structuredContent.stdout, "from here\n/work");
const page = await send("ListCodeInterpreterSessionsCommand", where);
assert.deepEqual(page.items.map((item) => [item.sessionId, item.status]),
                 [[started.sessionId, "READY"]]);
const stopped = await send("StopCodeInterpreterSessionCommand", session);
assert.equal(stopped.sessionId, started.sessionId);
assert.equal((await send("GetCodeInterpreterSessionCommand", session)).status, "TERMINATED");

await send("DeleteCodeInterpreterCommand", { codeInterpreterId });
await assert.rejects(send("GetCodeInterpreterCommand", { codeInterpreterId }),
                     { name: "ResourceNotFoundException" });
assert.deepEqual(missed(), []);
