// The operations of one family that the installed SDKs have, and which of them have succeeded: what
// a newer SDK brings is missed until somebody drives it.
import * as controlSdk from "@aws-sdk/client-bedrock-agentcore-control";
import * as dataSdk from "@aws-sdk/client-bedrock-agentcore";

// `belongs`: whether a command's name is of the family.
export function everyOperation(belongs) {
    const control = new controlSdk.BedrockAgentCoreControlClient({ maxAttempts: 1 });
    const data = new dataSdk.BedrockAgentCoreClient({ maxAttempts: 1 });
    const wanted = [controlSdk, dataSdk].flatMap((sdk) => Object.keys(sdk)).filter(
        (name) => name.endsWith("Command") && name !== "$Command" && belongs(name));
    const succeeded = new Set();
    for (const client of [control, data])
        client.middlewareStack.add((next, context) => async (given) => {
            const answer = await next(given);
            succeeded.add(context.commandName);
            return answer;
        }, { step: "initialize" });
    const send = (name, input) => name in controlSdk
        ? control.send(new controlSdk[name](input)) : data.send(new dataSdk[name](input));
    const missed = () => [...new Set(wanted)].filter((name) => !succeeded.has(name)).sort();
    return { control, data, send, missed };
}
