"""Tools for agents: an MCP server. Each MCP session has a sandbox, and so a memory, of its own.

    agentcore configure -e server.py -p MCP
    agentcore deploy

Clients connect to {endpoint}/runtimes/{arn, percent-encoded}/invocations over streamable HTTP.
"""
from mcp.server.fastmcp import FastMCP

mcp = FastMCP("counter", host="0.0.0.0", port=8000, stateless_http=True)
total = 0


@mcp.tool()
def add_numbers(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@mcp.tool()
def count(step: int = 1) -> int:
    """Counts on, from where this session stands."""
    global total
    total += step
    return total


if __name__ == "__main__":
    mcp.run(transport="streamable-http")
