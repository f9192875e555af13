// Temporary credentials are signed with their token, and their role limits them.
import assert from "node:assert/strict";
import {
    AccessDeniedException, BedrockAgentCoreControlClient, GetAgentRuntimeCommand,
    ListAgentRuntimesCommand,
} from "@aws-sdk/client-bedrock-agentcore-control";

const { session } = JSON.parse(process.env.GIVEN);
const limited = new BedrockAgentCoreControlClient({ maxAttempts: 1, credentials: session });
const listed = await limited.send(new ListAgentRuntimesCommand({}));
assert.ok(Array.isArray(listed.agentRuntimes));
await assert.rejects(
    limited.send(new GetAgentRuntimeCommand({ agentRuntimeId: "missing-0123456789" })),
    (error) => error instanceof AccessDeniedException &&
        error.message.includes("assumed-role/js-limited/js is not authorized to perform: " +
            "bedrock-agentcore:GetAgentRuntime"));

const changed = { ...session, sessionToken: session.sessionToken.slice(0, -8) };
const broken = new BedrockAgentCoreControlClient({ maxAttempts: 1, credentials: changed });
await assert.rejects(broken.send(new ListAgentRuntimesCommand({})),
    (error) => error.name === "UnrecognizedClientException");
