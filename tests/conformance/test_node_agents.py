"""Agents for Node.js as code archives: package.json installed by npm in the build's sandbox."""
import json

import pytest

import agents

PACKAGE = {"name": "agent", "version": "1.0.0", "type": "module",
           "dependencies": {"bedrock-agentcore": "0.4.4"}}

SDK_AGENT = """
import { BedrockAgentCoreApp } from 'bedrock-agentcore/runtime'

interface Asked { prompt: string }

const app = new BedrockAgentCoreApp({
  invocationHandler: {
    process: async function (request: unknown, context: { sessionId: string }) {
      const asked = request as Asked
      if (asked.prompt === 'stream')
        return (async function* () { yield { data: { n: 1 } }; yield { data: { n: 2 } } })()
      return { said: asked.prompt.toUpperCase(), session: context.sessionId,
               node: process.version, uid: process.getuid?.(), folder: process.cwd() }
    },
  },
})

app.run()
"""

PLAIN_AGENT = """
const http = require('http')
const { word } = require('./lib/word')
http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ word, args: process.argv.slice(2),
                                env: process.env.GREETING ?? null }))
}).listen(8080, '0.0.0.0')
"""


@pytest.fixture(scope="module")
def typescript(deployed):
    return deployed({"app.ts": SDK_AGENT, "package.json": json.dumps(PACKAGE)}, name="node_sdk",
                    entry_point=["app.ts"], runtime="NODE_22")


def test_an_app_of_the_npm_sdk_in_typescript_answers(typescript):
    session = agents.session_id()
    answer = json.loads(typescript.open({"prompt": "hello"}, session)["response"].read())
    assert (answer["said"], answer["session"]) == ("HELLO", session)
    assert answer["node"].startswith("v22.") and answer["folder"] == "/var/task"
    assert answer["uid"] != 0
    stream = typescript.open({"prompt": "stream"}, session, accept="text/event-stream")
    assert stream["contentType"].startswith("text/event-stream")
    lines = stream["response"].read().decode().split("\n")
    assert [line for line in lines if line.startswith("data:")] == [
        'data: {"n":1}', 'data: {"n":2}']


def test_plain_files_run_without_packages_and_with_arguments(deployed):
    runtime = deployed({"server.cjs": PLAIN_AGENT, "lib/word.js": "exports.word = 'w'\n"},
                       name="node_plain", entry_point=["server.cjs", "--one"],
                       runtime="NODE_22", environmentVariables={"GREETING": "hi"})
    assert runtime.invoke({}) == {"word": "w", "args": ["--one"], "env": "hi"}
    assert runtime.get()["agentRuntimeArtifact"]["codeConfiguration"]["runtime"] == "NODE_22"


def test_what_a_bundler_made_needs_no_installation(deployed, typescript):
    runtime = deployed({"server.cjs": "require('left')\n" + PLAIN_AGENT,
                        "lib/word.js": "exports.word = 'w'\n",
                        "package.json": json.dumps({"dependencies": {"left": "file:./nowhere"}}),
                        "node_modules/left/index.js": "", "node_modules/left/package.json": "{}"},
                       name="node_vendored", entry_point=["server.cjs"], runtime="NODE_22")
    assert runtime.invoke({})["word"] == "w"


@pytest.mark.parametrize("files, entry, said", [
    ({"app.js": "const = broken"}, ["app.js"], "app.js is not valid JavaScript"),
    ({"app.js": ""}, ["other.js"], "the archive has no file other.js"),
    ({"app.js": ""}, ["../app.js"], "no file"),
    ({"app.js": ""}, ["app"], "no file of JavaScript"),
    ({"app.js": "", "package.json": "[]"}, ["app.js"], "package.json is not a JSON object"),
    ({"app.js": "", "package.json": json.dumps({"dependencies": {"x": "file:./nowhere"}}),
      "package-lock.json": "{}"}, ["app.js"], "the packages could not be installed"),
], ids=["syntax", "missing", "climbs", "kind", "manifest", "packages"])
def test_a_failed_creation_says_why(daemon, files, entry, said):
    found = agents.create(daemon, files, entry_point=entry,
                          runtime="NODE_22").wait()
    assert found["status"] == "CREATE_FAILED"
    assert said in found["failureReason"]


def test_an_agent_that_cannot_load_tells_its_caller(deployed):
    runtime = deployed({"app.mjs": "import 'no-such-package'\n"}, name="node_unloadable",
                       entry_point=["app.mjs"], runtime="NODE_22")
    with pytest.raises(runtime.data.exceptions.RuntimeClientError, match="ERR_MODULE_NOT_FOUND"):
        runtime.invoke({})
