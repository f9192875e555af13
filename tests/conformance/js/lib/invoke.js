// InvokeAgentRuntime with JSON in and JSON out.
import {
    BedrockAgentCoreClient, InvokeAgentRuntimeCommand,
} from "@aws-sdk/client-bedrock-agentcore";

export const data = new BedrockAgentCoreClient({ maxAttempts: 1 });

export function open(agentRuntimeArn, payload, more = {}) {
    return data.send(new InvokeAgentRuntimeCommand({
        agentRuntimeArn, contentType: "application/json",
        payload: new TextEncoder().encode(JSON.stringify(payload)), ...more,
    }));
}

export async function invokeJson(agentRuntimeArn, payload, more = {}) {
    const response = await open(agentRuntimeArn, payload, more);
    return JSON.parse(await response.response.transformToString());
}
