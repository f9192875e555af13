// Tokens arrive one by one: the next is let out only after the last was read.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { invokeJson, open } from "./lib/invoke.js";

const { puppet } = JSON.parse(process.env.GIVEN);
const session = { runtimeSessionId: `session-${randomUUID()}` };

const response = await open(puppet, { do: "tokens", count: 3 }, session);
assert.match(response.contentType, /^text\/event-stream/);
assert.equal(response.runtimeSessionId, session.runtimeSessionId);
let text = "";
let next = 0;
for await (const chunk of response.response) {
    text += chunk.toString();
    if (text.endsWith("\n\n") && next < 3)
        await invokeJson(puppet, { do: "open", gate: next++ }, session);
}
assert.equal(text, 'data: "first"\n\ndata: "token 0"\n\ndata: "token 1"\n\ndata: "token 2"\n\n');
