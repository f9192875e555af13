"""Every listing of the guide that has a service here, from examples/, as it stands there.

Models are scripted but in the one test of the embedded model. What differs from the guide's text:
docs/guide/differences.md.
"""
import json
import os
import subprocess
import sys

import pytest

import agents
from conftest import served
from daemon import ROOT, program
from test_models_strands import Person, bedrock, quiet

EXAMPLES = ROOT / "examples"
PINNED = "bedrock-agentcore==1.25.0\nstrands-agents==1.62.0\n"
NO_MODELS = not (ROOT / "build/models/xllamacpp").exists()


def files_of(example, entry, **more):
    """The example's code as agent.py, its requirements as pinned for the tests."""
    code = (EXAMPLES / example / entry).read_text()
    return {"agent.py": code, "requirements.txt": PINNED, **more}


def run(daemon, script, *arguments, **environment):
    """What a listing prints, run by the client's own Python with the compatibility package."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    env |= daemon.env | {"PYTHONPATH": str(ROOT / "python")} | environment
    ran = subprocess.run([sys.executable, EXAMPLES / script, *arguments], env=env, timeout=120,
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def streamed(response):
    """The texts of a streamed answer, joined."""
    texts = []
    for line in response["response"].iter_lines():
        if line.startswith(b"data: "):
            texts.append(json.loads(line[6:]))
    return "".join(texts)


def test_multi_agent_graph_in_one_runtime(daemon, deployed):
    app = deployed(files_of("multi_agent", "multi_agent_app.py"))
    text = streamed(app.open({"prompt": "Analyze candidate profile", "user_id": "123"}))
    for node in ("github", "resume", "analyzer"):
        assert f"[{node}]" in text
    assert text.rindex("[analyzer]") > max(text.rindex("[github]"), text.rindex("[resume]"))
    analyzer = text[text.rindex("[analyzer]"):]
    assert "Analyze candidate profile" in analyzer and "From github" in analyzer


def test_one_agent_in_a_runtime(daemon, deployed):
    app = deployed(files_of("runtime", "agent.py"))
    assert app.invoke({"prompt": "Hello"}) == "You said: Hello"
    assert app.invoke({"prompt": "Hello again"}, "session-" + "1" * 30) == "You said: Hello again"


def test_stale_lines_run_with_the_compatibility_package(daemon, deployed):
    """The guide's own entry point: it returns results["analyzer"].message."""
    code = (EXAMPLES / "multi_agent/multi_agent_app.py").read_text()
    begin, end = code.index("@app.entrypoint"), code.index("if __name__")
    guides = '''@app.entrypoint
def invoke(payload, context):
    result = multi_agent_graph(payload.get("prompt", ""))
    return result.results["analyzer"].message['content'][0]['text']


'''
    compat = {str(path.relative_to(ROOT / "python")): path.read_text()
              for path in (ROOT / "python").rglob("*.py")}
    app = deployed({"agent.py": code[:begin] + guides + code[end:], "requirements.txt": PINNED,
                    **compat})
    assert "Analyze candidate profile" in app.invoke({"prompt": "Analyze candidate profile"})


def test_short_term_memory(daemon):
    assert run(daemon, "memory/short_term.py").splitlines() == [
        "USER: My name is Minji", "ASSISTANT: Nice to meet you, Minji"]


def test_long_term_memory(daemon):
    assert "window seats" in run(daemon, "memory/long_term.py")


def test_agent_with_a_memory_hook(daemon):
    memory = daemon.client("bedrock-agentcore-control").create_memory(
        name="GuideHook", eventExpiryDuration=7)["memory"]["id"]
    first = run(daemon, "memory/hook_agent.py", "I like tea", MEMORY_ID=memory)
    assert "Previous" not in first and "You said: I like tea" in first
    second = run(daemon, "memory/hook_agent.py", "And you?", MEMORY_ID=memory)
    prompt = second[:second.index("answer:")]
    assert "Previous:" in prompt and "I like tea" in prompt


def test_a_deployed_agent_with_a_memory_hook_remembers_across_sessions(daemon, tmp_path):
    """`agentcore memory create`, `configure`, `deploy`, and `invoke` twice, in two sessions."""
    def agentcore(*arguments):
        ran = subprocess.run([program("agentcore"), *arguments], cwd=tmp_path, text=True,
                             env=daemon.command_environment(), capture_output=True, timeout=300)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout
    for name in ("hook_agent.py", "hook_app.py"):
        (tmp_path / name).write_text((EXAMPLES / "memory" / name).read_text())
    (tmp_path / "requirements.txt").write_text(PINNED)
    memory = json.loads(agentcore("memory", "create", "DeployedHook", "--json"))["id"]
    agentcore("configure", "-e", "hook_app.py", "-n", "hooked", "--non-interactive")
    agentcore("deploy", "--env", f"MEMORY_ID={memory}")
    first, second = ("session-" + character * 30 for character in "ab")
    asked = '{"prompt": "What do I like?"}'
    assert agentcore("invoke", asked, "--session-id", first) == "You said: What do I like?\n"
    agentcore("invoke", '{"prompt": "I like green tea"}', "--session-id", first)
    assert agentcore("invoke", asked, "--session-id", second) == "Green tea, you said.\n"
    agentcore("destroy", "--force")


def test_identity(daemon):
    assert run(daemon, "identity/api_key.py").strip() == "11 characters, ghp_..."


@pytest.mark.skipif(NO_MODELS, reason="./dev setup has not installed the embedded models")
def test_the_embedded_model_answers_an_agent():
    """No configuration, no account, no network: a deployed agent and the model that is there."""
    with served() as daemon:
        result = quiet(bedrock(daemon, None))(
            "Ada is 36 years old.", structured_output_model=Person)
        assert isinstance(result.structured_output, Person)
        app = agents.deploy(daemon, files_of("runtime", "agent.py"))
        answer = app.invoke({"prompt": "What is the capital of France? One short sentence."})
        assert isinstance(answer, str) and len(answer) > 3
        titan = daemon.client("bedrock-runtime").invoke_model(
            modelId="amazon.titan-embed-text-v2:0", body='{"inputText": "hello"}')
        assert len(json.loads(titan["body"].read())["embedding"]) == 384
