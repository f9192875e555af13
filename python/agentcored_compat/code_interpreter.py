"""`bedrock_agentcore.code_interpreter.CodeInterpreterTool` for Strands agents."""
import json
import os


class CodeInterpreterTool:
    """An iterable of one Strands tool, which runs code in a Code Interpreter session.

    The session starts with the first call and is kept: variables and files stay from call to call.
    """

    def __init__(self, region_name=None, identifier=None):
        self.region_name = region_name or os.environ.get("AWS_REGION", "us-west-2")
        self._identifier = identifier
        self._client = None
        self._tool = None

    def __iter__(self):
        if self._tool is None:
            self._tool = self._make_tool()
        return iter([self._tool])

    def execute(self, code, language="python"):
        """Runs code; returns what it printed. Errors of the service are botocore's ClientError."""
        answer = self._session().invoke("executeCode", {"code": code, "language": language})
        return _text_of(answer)

    def stop(self):
        if self._client is not None:
            self._client.stop()
            self._client = None

    def _session(self):
        if self._client is None:
            from bedrock_agentcore.tools.code_interpreter_client import CodeInterpreter

            client = CodeInterpreter(self.region_name)
            if self._identifier:
                client.start(identifier=self._identifier)
            else:
                client.start()
            self._client = client
        return self._client

    def _make_tool(self):
        from strands import tool

        @tool(name="code_interpreter")
        def code_interpreter(code: str, language: str = "python") -> str:
            """Run code in an isolated sandbox and return what it prints.

            Args:
                code: The source code to run.
                language: python, javascript or typescript.
            """
            return self.execute(code, language)

        return code_interpreter


def _text_of(answer):
    parts = []
    for event in answer.get("stream", []):
        result = event.get("result")
        if result is None:
            continue
        for content in result.get("content", []):
            text = content.get("text") or content.get("resource", {}).get("text")
            parts.append(text or json.dumps(content, default=str))
    return "\n".join(parts)
