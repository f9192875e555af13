"""Three Strands agents in one runtime: two collectors, and an analyzer that sees what both found.

    agentcore configure -e multi_agent_app.py
    agentcore deploy
    agentcore invoke '{"prompt": "Analyze candidate profile", "user_id": "123"}'

The guide's first listing, with its two tools defined. What differs: docs/guide/differences.md.
"""
from bedrock_agentcore.runtime import BedrockAgentCoreApp
from strands import Agent, tool
from strands.multiagent import GraphBuilder

app = BedrockAgentCoreApp()


@tool
def mcp_github(user: str) -> str:
    """List the public repositories of a GitHub user.

    Args:
        user: Name of the user.
    """
    return f"{user} has 12 repositories: C++ 7, Python 4, Go 1. Most stars: a JSON parser, 830."


@tool
def pdf_tool(path: str) -> str:
    """Read the text of a resume.

    Args:
        path: Where the PDF lies.
    """
    return f"{path}: 8 years of systems programming, last as a lead engineer for storage."


# Built once; every session is a process of its own.
github_collector = Agent(
    model="us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    name="github_collector",
    system_prompt="Collect GitHub data...",
    tools=[mcp_github]
)

resume_parser = Agent(
    model="us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    name="resume_parser",
    system_prompt="Parse resume PDF...",
    tools=[pdf_tool]
)

analyzer = Agent(
    model="us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    name="analyzer",
    system_prompt="Analyze all collected data..."
)

builder = GraphBuilder()
builder.add_node(github_collector, "github")
builder.add_node(resume_parser, "resume")
builder.add_node(analyzer, "analyzer")

builder.add_edge("github", "analyzer")
builder.add_edge("resume", "analyzer")

# Both collectors are entry points: with set_entry_point("github") alone, "resume" never runs.
builder.set_entry_point("github")
builder.set_entry_point("resume")
multi_agent_graph = builder.build()


@app.entrypoint
async def invoke(payload, context):
    """Runs the whole graph in this process. The collectors work at the same time, so each one's
    text is sent when it is done; the analyzer's is streamed."""
    invocation_state = {
        "session_id": context.session_id,
        "user_id": payload.get("user_id"),
        "config": payload.get("config", {})
    }
    result = None
    async for event in multi_agent_graph.stream_async(
            payload.get("prompt", ""), invocation_state=invocation_state):
        node, kind = event.get("node_id"), event.get("type")
        if kind == "multiagent_node_start" and node == "analyzer":
            yield "[analyzer] "
        elif kind == "multiagent_node_stream" and node == "analyzer":
            yield event["event"].get("data", "")
        elif kind == "multiagent_node_stop" and node != "analyzer":
            yield f"[{node}] {event['node_result'].result}\n"
        elif kind == "multiagent_result":
            result = event["result"]
    # What the guide returns:
    final = result.results["analyzer"].result.message["content"][0]["text"]
    app.logger.info("the analyzer said %d characters", len(final))


if __name__ == "__main__":
    app.run()
