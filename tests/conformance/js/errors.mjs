// Errors come as the exception classes of the SDK, with their members.
import assert from "node:assert/strict";
import * as sdk from "@aws-sdk/client-bedrock-agentcore-control";
import { RuntimeClientError, StopRuntimeSessionCommand } from "@aws-sdk/client-bedrock-agentcore";
import { data, invokeJson } from "./lib/invoke.js";

const {
    BedrockAgentCoreControlClient, CreateAgentRuntimeCommand, GetAgentRuntimeCommand,
    ResourceNotFoundException, ValidationException,
} = sdk;
const { artifact, puppet, role, unbuilt } = JSON.parse(process.env.GIVEN);
const control = new BedrockAgentCoreControlClient({ maxAttempts: 1 });

async function caught(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    assert.fail("no error");
}

const missing = await caught(control.send(
    new GetAgentRuntimeCommand({ agentRuntimeId: "missing-0123456789" })));
assert.ok(missing instanceof ResourceNotFoundException, missing);
assert.equal(missing.$metadata.httpStatusCode, 404);
assert.ok(missing.$metadata.requestId);

const invalid = await caught(control.send(new CreateAgentRuntimeCommand({
    agentRuntimeName: "9 lives", agentRuntimeArtifact: artifact, roleArn: role,
    networkConfiguration: { networkMode: "PUBLIC" },
})));
assert.ok(invalid instanceof ValidationException, invalid);
assert.equal(invalid.reason, "FieldValidationFailed");
assert.ok(invalid.fieldList.some((field) => field.name.includes("agentRuntimeName")));

const failed = await caught(invokeJson(
    puppet, { do: "fail", status: 500, body: { error: "my own words" } }));
assert.ok(failed instanceof RuntimeClientError, failed);
assert.equal(failed.$metadata.httpStatusCode, 424);
assert.match(failed.message, /my own words/);

const stopped = await caught(data.send(new StopRuntimeSessionCommand({
    agentRuntimeArn: puppet, runtimeSessionId: "session-that-never-was-0123456789",
})));
assert.equal(stopped.name, "ResourceNotFoundException");

if (unbuilt) {
    const named = await caught(control.send(new sdk[`${unbuilt}Command`]({})));
    assert.ok(named.message.includes(unbuilt), named.message);
}

const stranger = new BedrockAgentCoreControlClient({
    maxAttempts: 1, credentials: { accessKeyId: "AKIAUNKNOWN", secretAccessKey: "no" },
});
const refused = await caught(stranger.send(
    new GetAgentRuntimeCommand({ agentRuntimeId: "missing-0123456789" })));
assert.equal(refused.$metadata.httpStatusCode, 403);
