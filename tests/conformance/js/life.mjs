// A runtime from creation to deletion. Timestamps must be in the form the SDK insists on: it
// throws on any other.
import assert from "node:assert/strict";
import {
    BedrockAgentCoreControlClient, CreateAgentRuntimeCommand, CreateAgentRuntimeEndpointCommand,
    DeleteAgentRuntimeCommand, GetAgentRuntimeCommand, GetAgentRuntimeEndpointCommand,
    ListAgentRuntimesCommand, ListTagsForResourceCommand, TagResourceCommand, UntagResourceCommand,
    paginateListAgentRuntimeVersions,
} from "@aws-sdk/client-bedrock-agentcore-control";
import { invokeJson } from "./lib/invoke.js";

const { artifact, role } = JSON.parse(process.env.GIVEN);
const control = new BedrockAgentCoreControlClient({ maxAttempts: 1 });

const created = await control.send(new CreateAgentRuntimeCommand({
    agentRuntimeName: "from_js", agentRuntimeArtifact: artifact, roleArn: role,
    networkConfiguration: { networkMode: "PUBLIC" }, tags: { made: "here" },
}));
assert.equal(created.status, "CREATING");
assert.ok(created.createdAt instanceof Date);
const agentRuntimeId = created.agentRuntimeId;

let found;
do {
    found = await control.send(new GetAgentRuntimeCommand({ agentRuntimeId }));
} while (found.status === "CREATING");
assert.equal(found.status, "READY", found.failureReason);
assert.ok(found.lastUpdatedAt >= found.createdAt);

const answer = await invokeJson(created.agentRuntimeArn, { do: "echo", text: "Hello" });
assert.equal(answer.echo.text, "Hello");

const endpoint = await control.send(new CreateAgentRuntimeEndpointCommand({
    agentRuntimeId, name: "blue",
}));
assert.ok(endpoint.createdAt instanceof Date);
const read = await control.send(new GetAgentRuntimeEndpointCommand({
    agentRuntimeId, endpointName: "blue",
}));
assert.equal(read.name, "blue");

const resourceArn = created.agentRuntimeArn;
await control.send(new TagResourceCommand({ resourceArn, tags: { more: "too" } }));
await control.send(new UntagResourceCommand({ resourceArn, tagKeys: ["made"] }));
const tagged = await control.send(new ListTagsForResourceCommand({ resourceArn }));
assert.deepEqual(tagged.tags, { more: "too" });

const listed = await control.send(new ListAgentRuntimesCommand({ maxResults: 100 }));
assert.ok(listed.agentRuntimes.some((item) => item.agentRuntimeId === agentRuntimeId));
for await (const page of paginateListAgentRuntimeVersions({ client: control }, { agentRuntimeId }))
    assert.equal(page.agentRuntimes[0].agentRuntimeVersion, "1");

const deleted = await control.send(new DeleteAgentRuntimeCommand({ agentRuntimeId }));
assert.equal(deleted.status, "DELETING");
