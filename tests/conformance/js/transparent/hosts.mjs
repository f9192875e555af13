// Node with the hosts that the AWS SDK builds by itself: nothing but the environment leads here.
import {
  BedrockAgentCoreClient,
  InvokeAgentRuntimeCommand,
} from '@aws-sdk/client-bedrock-agentcore';
import { randomUUID } from 'node:crypto';

const given = JSON.parse(process.env.GIVEN);
const client = new BedrockAgentCoreClient({ region: given.region });
let host;
client.middlewareStack.add(
  (next) => async (args) => {
    host = args.request.hostname;
    return next(args);
  },
  { step: 'finalizeRequest' },
);
const answer = await client.send(
  new InvokeAgentRuntimeCommand({
    agentRuntimeArn: given.arn,
    runtimeSessionId: `session-${randomUUID()}`,
    payload: new TextEncoder().encode('{"do": "echo"}'),
  }),
);
await answer.response.transformToString();
const fetched = await fetch(`https://${host}/healthz`);
process.stdout.write(JSON.stringify({ status: answer.statusCode, host, fetched: fetched.status }));
