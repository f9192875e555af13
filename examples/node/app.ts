// An agent in TypeScript, on the AgentCore SDK for Node.js. No build step: Node strips the types.
//
//     agentcore configure -e app.ts -n node_agent
//     agentcore deploy
//     agentcore invoke "Hello"
import { BedrockAgentCoreApp } from 'bedrock-agentcore/runtime'

interface Asked { prompt?: string; stream?: boolean }

let turns = 0  // of this session: each has a process of its own

async function* words(text: string) {
  for (const word of text.split(' ')) yield { data: word }
}

const app = new BedrockAgentCoreApp({
  invocationHandler: {
    process: async (request: unknown, context: { sessionId: string }) => {
      const { prompt = '', stream = false } = request as Asked
      if (stream) return words(prompt)
      return { message: `You said: ${prompt}`, turn: ++turns, session: context.sessionId }
    },
  },
})

app.run()
