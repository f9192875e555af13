"""Models behind the daemon: providers that speak HTTP, routing, and the books of usage."""
import base64
import contextlib
import http.server
import json
import subprocess
import threading
import urllib.request

import pytest
from botocore.exceptions import ClientError

import agents
import models_config
from conftest import served
from daemon import eventually, program
from test_guest_platform import FILES as CALLER_FILES

MODEL = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
SECRET = "sk-not-to-be-seen"


def sse(*events):
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events)


def openai_answer(_):
    chunk = lambda delta, finish=None: {  # noqa: E731
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return "text/event-stream", sse(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}),
        chunk({"content": "lo"}), chunk({}, "stop"),
        {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 2}}
    ) + "data: [DONE]\n\n"


def anthropic_answer(_):
    return "text/event-stream", sse(
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "text_delta", "text": "I am Claude"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
         "usage": {"output_tokens": 3}},
        {"type": "message_stop"})


@contextlib.contextmanager
def provider(answer):
    """A server on loopback that answers every POST by answer(body); .asked keeps what came."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            kind, text = answer(body)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def key_file(folder, text):
    path = folder / "provider.key"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return f"file:{path}"


@contextlib.contextmanager
def daemon_with(folder, models):
    path = folder / "agentcored.yaml"
    path.write_text(json.dumps({"log": {"level": "debug"}, "models": models}))
    with served(arguments=["--config", path]) as running:
        yield running


def say(daemon, text="hi", model=MODEL):
    return daemon.client("bedrock-runtime").converse(
        modelId=model, messages=[{"role": "user", "content": [{"text": text}]}])


def text_of(answer):
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def test_an_openai_server_answers_and_its_key_stays_secret(tmp_path):
    with provider(openai_answer) as upstream:
        local = {"kind": "openai", "url": upstream.url + "/v1", "key": key_file(tmp_path, SECRET)}
        with daemon_with(tmp_path, {"providers": {"local": local}, "default": "local/tiny",
                                    "prices": [{"match": "local/*", "input_per_million": 1}]}
                         ) as daemon:
            answer = say(daemon)
            assert text_of(answer) == "Hello"
            assert answer["usage"]["inputTokens"] == 11
            path, headers, body = upstream.asked[0]
            assert path == "/v1/chat/completions"
            assert headers["Authorization"] == f"Bearer {SECRET}"
            assert body["model"] == "tiny"
            assert SECRET not in daemon.log_path.read_text()
            usage = json.loads(subprocess.run(
                [program("agentcore"), "usage", "--json"], env=daemon.env | {
                    "AGENTCORE_ENDPOINT": daemon.endpoint}, check=True, capture_output=True,
                text=True).stdout)
            assert usage["rows"][0]["provider"] == "local"
            assert usage["rows"][0]["inputTokens"] == 11
            assert usage["total"]["estimatedCostUsd"] == pytest.approx(11e-6)
            with urllib.request.urlopen(daemon.endpoint + "/metrics") as scraped:
                metrics = scraped.read().decode()
            assert f'agentcored_model_tokens_total{{model="{MODEL}",provider="local",' in metrics


def test_a_key_that_others_can_read_is_refused(tmp_path):
    with provider(openai_answer) as upstream:
        name = key_file(tmp_path, SECRET)
        (tmp_path / "provider.key").chmod(0o644)
        local = {"kind": "openai", "url": upstream.url, "key": name}
        with daemon_with(tmp_path, {"providers": {"local": local}, "default": "local/x"}) as daemon:
            with pytest.raises(ClientError) as caught:
                say(daemon)
            assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
            assert not upstream.asked


def test_anthropic_answers_what_is_routed_to_it(tmp_path):
    with provider(anthropic_answer) as claude, provider(openai_answer) as local:
        models = {
            "providers": {
                "claude": {"kind": "anthropic", "url": claude.url,
                           "key": key_file(tmp_path, SECRET)},
                "local": {"kind": "openai", "url": local.url}},
            "routes": [{"match": "*claude*", "to": ["claude/claude-sonnet-4-5", "local/x"]}],
            "default": "local/x"}
        with daemon_with(tmp_path, models) as daemon:
            assert text_of(say(daemon)) == "I am Claude"
            assert text_of(say(daemon, model="amazon.nova-lite-v1:0")) == "Hello"
            path, headers, body = claude.asked[0]
            assert path == "/v1/messages"
            assert headers["x-api-key"] == SECRET
            assert body["model"] == "claude-sonnet-4-5"


def test_a_key_of_the_vault_opens_a_provider_and_can_be_replaced(tmp_path):
    with provider(anthropic_answer) as claude:
        models = {"providers": {"claude": {"kind": "anthropic", "url": claude.url,
                                           "key": "vault:claude-key", "breaker_failures": 100}},
                  "default": "claude/claude-sonnet-4-5"}
        with daemon_with(tmp_path, models) as daemon:
            with pytest.raises(ClientError) as caught:
                say(daemon)
            assert "claude-key" in caught.value.response["Error"]["Message"]
            assert claude.asked == []
            identity = daemon.client("bedrock-agentcore-control")
            identity.create_api_key_credential_provider(name="claude-key", apiKey=SECRET)
            assert text_of(say(daemon)) == "I am Claude"
            identity.update_api_key_credential_provider(name="claude-key", apiKey=SECRET + "-2")
            eventually(lambda: text_of(say(daemon)) == "I am Claude"
                       and claude.asked[-1][1]["x-api-key"] == SECRET + "-2", 30)
            assert claude.asked[0][1]["x-api-key"] == SECRET
            assert claude.asked[-1][1]["x-api-key"] == SECRET + "-2"
            assert SECRET not in daemon.log_path.read_text()


def test_redacted_reasoning_goes_back_as_it_came(tmp_path):
    hidden = base64.b64encode(b"not for reading").decode()

    def answer(_):
        return "text/event-stream", sse(
            {"type": "message_start", "message": {"usage": {"input_tokens": 5}}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "redacted_thinking", "data": hidden}},
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1,
             "content_block": {"type": "thinking", "thinking": ""}},
            {"type": "content_block_delta", "index": 1,
             "delta": {"type": "thinking_delta", "thinking": "Hm."}},
            {"type": "content_block_delta", "index": 1,
             "delta": {"type": "signature_delta", "signature": "c2ln"}},
            {"type": "content_block_stop", "index": 1},
            {"type": "content_block_start", "index": 2,
             "content_block": {"type": "text", "text": "Thought."}},
            {"type": "content_block_stop", "index": 2},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
             "usage": {"output_tokens": 3}},
            {"type": "message_stop"})

    with provider(answer) as claude:
        models = {"providers": {"claude": {"kind": "anthropic", "url": claude.url,
                                           "key": key_file(tmp_path, SECRET)}},
                  "default": "claude/x"}
        with daemon_with(tmp_path, models) as daemon:
            runtime = daemon.client("bedrock-runtime")
            asked = [{"role": "user", "content": [{"text": "hi"}]}]
            message = runtime.converse(modelId=MODEL, messages=asked)["output"]["message"]
            redacted, thought, said = message["content"]
            assert redacted == {"reasoningContent": {"redactedContent": b"not for reading"}}
            assert thought == {"reasoningContent": {
                "reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
            assert said == {"text": "Thought."}
            streamed = runtime.converse_stream(modelId=MODEL, messages=asked)["stream"]
            deltas = [event["contentBlockDelta"]["delta"] for event in streamed
                      if "contentBlockDelta" in event]
            assert deltas[0] == {"reasoningContent": {"redactedContent": b"not for reading"}}
            again = asked + [message, {"role": "user", "content": [{"text": "go on"}]}]
            runtime.converse(modelId=MODEL, messages=again)
            sent = claude.asked[-1][2]["messages"][1]["content"]
            assert sent[0] == {"type": "redacted_thinking", "data": hidden}
            assert sent[1] == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def test_bedrock_itself_is_called_with_the_operators_key(tmp_path, tmp_path_factory):
    far_folder = tmp_path_factory.mktemp("far")
    with served(arguments=["--config", models_config.write(far_folder)]) as far:
        key = f"{far.env['AWS_ACCESS_KEY_ID']}:{far.env['AWS_SECRET_ACCESS_KEY']}"
        models = {"providers": {"aws": {"kind": "bedrock", "region": "us-west-2",
                                        "url": far.endpoint, "key": key_file(tmp_path, key)}},
                  "default": "aws"}
        with daemon_with(tmp_path, models) as near:
            assert text_of(say(near, "Hello")) == "You said: Hello"
            with pytest.raises(ClientError) as caught:
                say(near, "please refuse")
            assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
            count = near.client("bedrock-runtime").count_tokens(modelId=MODEL, input={
                "converse": {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}})
            assert count["inputTokens"] > 0


def test_without_a_provider_the_error_names_the_configuration(tmp_path):
    with daemon_with(tmp_path, {"embedded": {"enabled": False}}) as daemon:
        with pytest.raises(ClientError, match="models.default"):
            say(daemon)
        with pytest.raises(ClientError, match="models.default_embedding"):
            daemon.client("bedrock-runtime").invoke_model(
                modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))


def test_a_wrong_configuration_is_told_with_its_line(tmp_path):
    for models, said in [({"providers": {"x": {"kind": "openai"}}}, "url is missing"),
                         ({"default": "nowhere/x"}, "no provider is called nowhere"),
                         ({"providers": {"x": {"kind": "openai", "url": "http://a", "tru": 1}}},
                          "unknown key models.providers.x.tru")]:
        path = tmp_path / "bad.yaml"
        path.write_text(json.dumps({"models": models}))
        ended = subprocess.run(
            [program("agentcored"), "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data",
             "--config", path], capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0
        assert said in ended.stderr and "line 1" in ended.stderr, ended.stderr


def test_calls_of_agents_are_booked_under_their_session(tmp_path):
    with served(arguments=["--config", models_config.write(tmp_path)]) as daemon:
        caller = agents.deploy(daemon, {**CALLER_FILES, "requirements.txt": "boto3\n"})
        session = agents.session_id()
        answer = caller.invoke({
            "service": "bedrock-runtime", "call": "converse",
            "arguments": {"modelId": MODEL, "messages": [
                {"role": "user", "content": [{"text": "from within"}]}]}}, session)["answer"]
        assert text_of(answer) == "You said: from within"
        shown = subprocess.run(
            [program("agentcore"), "usage", "--by-session", "--json"], check=True,
            capture_output=True, text=True,
            env=daemon.env | {"AGENTCORE_ENDPOINT": daemon.endpoint}).stdout
        row = json.loads(shown)["rows"][0]
        assert row["runtimeSessionId"] == session
        assert row["requests"] == 1
