"""The Code Interpreter as an MCP server over stdio: `python -m agentcored_compat.code_mcp`.

One session, started with the first call and stopped at the end. Needs the packages mcp and
bedrock-agentcore, and the environment of `agentcore env`.
"""
import atexit

from mcp.server import MCPServer

from .code_interpreter import CodeInterpreterTool, _text_of

server = MCPServer("agentcored-code-interpreter")
interpreter = CodeInterpreterTool()
atexit.register(interpreter.stop)


def call(tool, arguments):
    return _text_of(interpreter._session().invoke(tool, arguments))


@server.tool()
def execute_code(code: str, language: str = "python") -> str:
    """Run code (python, javascript or typescript) in a sandbox that keeps its state; returns what
    it prints and the value of its last expression."""
    return interpreter.execute(code, language)


@server.tool()
def execute_command(command: str) -> str:
    """Run a shell command in the sandbox's folder."""
    return call("executeCommand", {"command": command})


@server.tool()
def write_file(path: str, text: str) -> str:
    """Write a text file; the path is relative to the sandbox's folder."""
    return call("writeFiles", {"content": [{"path": path, "text": text}]})


@server.tool()
def read_file(path: str) -> str:
    """Read a file of the sandbox."""
    return call("readFiles", {"paths": [path]})


@server.tool()
def list_files(path: str = "") -> str:
    """List a folder of the sandbox."""
    return call("listFiles", {"directoryPath": path})


if __name__ == "__main__":
    server.run()
