// Every operation of Runtime that the installed SDK has, at least once; what is not built here must
// say so by name.
import assert from "node:assert/strict";
import { everyOperation } from "../lib/every_operation.mjs";

const given = JSON.parse(process.env.GIVEN);
const kFamily = new RegExp("AgentRuntime|RuntimeSession|AgentCard|CapacityProvider|" +
                           "ResourcePolicy|TagResource|UntagResource|TagsForResource");
const { send, missed } = everyOperation((name) => kFamily.test(name));

async function ready(agentRuntimeId) {
    let found;
    do {
        found = await send("GetAgentRuntimeCommand", { agentRuntimeId });
    } while (["CREATING", "UPDATING"].includes(found.status));
    assert.equal(found.status, "READY", found.failureReason);
    assert.ok(found.createdAt instanceof Date && found.lastUpdatedAt instanceof Date);
    return found;
}

const common = {
    agentRuntimeArtifact: given.artifact, roleArn: given.role,
    networkConfiguration: { networkMode: "PUBLIC" },
};
const { agentRuntimeId, agentRuntimeArn } = await send("CreateAgentRuntimeCommand", {
    agentRuntimeName: "every_js_operation", ...common,
});
await ready(agentRuntimeId);
await send("UpdateAgentRuntimeCommand", { agentRuntimeId, description: "second", ...common });
assert.equal((await ready(agentRuntimeId)).description, "second");
const listed = await send("ListAgentRuntimesCommand", { maxResults: 100 });
assert.ok(listed.agentRuntimes.some((one) => one.agentRuntimeId === agentRuntimeId));
const versions = await send("ListAgentRuntimeVersionsCommand", { agentRuntimeId });
assert.equal(versions.agentRuntimes.length, 2);

const blue = { agentRuntimeId, endpointName: "blue" };
await send("CreateAgentRuntimeEndpointCommand", {
    agentRuntimeId, name: "blue", agentRuntimeVersion: "1",
});
await send("UpdateAgentRuntimeEndpointCommand", { ...blue, agentRuntimeVersion: "2" });
const endpoint = await send("GetAgentRuntimeEndpointCommand", blue);
assert.equal(endpoint.liveVersion, "2");
assert.ok(endpoint.lastUpdatedAt instanceof Date);
const endpoints = await send("ListAgentRuntimeEndpointsCommand", { agentRuntimeId });
assert.deepEqual(endpoints.runtimeEndpoints.map((one) => one.name).sort(), ["DEFAULT", "blue"]);
await send("DeleteAgentRuntimeEndpointCommand", blue);

const resourceArn = agentRuntimeArn;
await send("TagResourceCommand", { resourceArn, tags: { one: "1", two: "2" } });
await send("UntagResourceCommand", { resourceArn, tagKeys: ["one"] });
assert.deepEqual((await send("ListTagsForResourceCommand", { resourceArn })).tags, { two: "2" });
const policy = JSON.stringify({
    Version: "2012-10-17", Statement: [{
        Effect: "Deny", Principal: { AWS: "arn:aws:iam::000000000000:user/nobody" },
        Action: "bedrock-agentcore:InvokeAgentRuntime", Resource: resourceArn,
    }],
});
await send("PutResourcePolicyCommand", { resourceArn, policy });
const kept = await send("GetResourcePolicyCommand", { resourceArn });
assert.deepEqual(JSON.parse(kept.policy), JSON.parse(policy));
await send("DeleteResourcePolicyCommand", { resourceArn });

const session = { agentRuntimeArn, runtimeSessionId: given.session };
const answer = await send("InvokeAgentRuntimeCommand", {
    ...session, contentType: "application/json",
    payload: new TextEncoder().encode(JSON.stringify({ do: "echo", text: "Hello" })),
});
assert.equal(JSON.parse(await answer.response.transformToString()).echo.text, "Hello");
const ran = await send("InvokeAgentRuntimeCommandCommand", {
    ...session, body: { command: "echo out; exit 3" },
});
let text = "";
let stop;
for await (const { chunk } of ran.stream) {
    text += chunk.contentDelta?.stdout ?? "";
    stop = chunk.contentStop ?? stop;
}
assert.deepEqual([text, stop.exitCode, stop.status], ["out\n", 3, "COMPLETED"]);
const stopped = await send("StopRuntimeSessionCommand", session);
assert.equal(stopped.statusCode, 200);
const card = await send("GetAgentCardCommand", {
    agentRuntimeArn: given.carded, runtimeSessionId: `${given.session}-card`,
});
assert.deepEqual(card.agentCard, given.card);
const deleted = await send("DeleteAgentRuntimeCommand", { agentRuntimeId });
assert.equal(deleted.status, "DELETING");

for (const [operation, input] of Object.entries(given.unbuilt))
    await assert.rejects(send(`${operation}Command`, input),
                         (error) => error.message.includes(operation));
const unbuilt = Object.keys(given.unbuilt).map((name) => `${name}Command`);
assert.deepEqual(missed(), unbuilt.sort());
