"""OpenAI's and Anthropic's own clients on the model fronts, with keys that the CLI makes."""
import base64
import http.client
import json
import subprocess

import anthropic
import openai
import pydantic
import pytest

from daemon import program

MODEL = "any-model"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PNG = base64.b64encode(bytes.fromhex("89504e470d0a1a0a0000000d49484452")).decode()


def cli(daemon, *arguments):
    done = subprocess.run([program("agentcore"), *arguments], env=daemon.command_environment(),
                          text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def key(daemon):
    return cli(daemon, "models", "key", "create", "tests")


@pytest.fixture(scope="module")
def client(daemon, key):
    return openai.OpenAI(base_url=daemon.endpoint + "/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def claude(daemon, key):
    return anthropic.Anthropic(base_url=daemon.endpoint, api_key=key, max_retries=0)


def user(content):
    return {"role": "user", "content": content}


class TestKeys:
    def test_made_listed_and_deleted(self, daemon):
        made = json.loads(cli(daemon, "models", "key", "create", "short-lived", "--json"))
        listed = json.loads(cli(daemon, "models", "key", "list", "--json"))["keys"]
        entry = next(entry for entry in listed if entry["id"] == made["id"])
        assert "secret" not in entry and made["secret"] not in json.dumps(listed)
        client = openai.OpenAI(base_url=daemon.endpoint + "/v1", api_key=made["secret"],
                               max_retries=0)
        assert client.models.list() is not None
        cli(daemon, "models", "key", "delete", made["id"])
        with pytest.raises(openai.AuthenticationError):
            client.models.list()

    def test_without_a_key_nothing_is_answered(self, daemon):
        for wrong in ("none", "acm-" + "x" * 43):
            client = openai.OpenAI(base_url=daemon.endpoint + "/v1", api_key=wrong, max_retries=0)
            with pytest.raises(openai.AuthenticationError):
                client.chat.completions.create(model=MODEL, messages=[user("Hi")])
            with pytest.raises(anthropic.AuthenticationError):
                anthropic.Anthropic(base_url=daemon.endpoint, api_key=wrong, max_retries=0
                                    ).messages.create(model=MODEL, max_tokens=5,
                                                      messages=[user("Hi")])

    def test_a_key_is_good_for_models_only(self, daemon, key):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
        for target in ("/memories/", "/x/model-keys", "/x/operations"):
            connection.request("POST", target, headers={"Authorization": f"Bearer {key}"})
            response = connection.getresponse()
            response.read()
            assert response.status in (400, 401, 403), target

    def test_bedrocks_bearer_token(self, daemon, key):
        """As boto3 sends AWS_BEARER_TOKEN_BEDROCK (which it does over HTTPS only)."""
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
        body = json.dumps({"messages": [user([{"text": "Hi"}])]})
        for token, status in ((key, 200), ("acm-wrong", 403)):
            connection.request("POST", f"/model/{MODEL}/converse", body,
                               {"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == status, text
            assert ("You said: Hi" in text) == (status == 200)


class TestOpenAi:
    def test_chat(self, client):
        answer = client.chat.completions.create(
            model=MODEL, messages=[{"role": "system", "content": "Be kind."}, user("Hello")],
            temperature=0.2, max_completion_tokens=50, stop=["END"], seed=1)
        assert answer.choices[0].message.content == "You said: Hello"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens == (answer.usage.prompt_tokens
                                             + answer.usage.completion_tokens) > 0
        assert answer.id and answer.model == MODEL

    def test_stream(self, client):
        chunks = list(client.chat.completions.create(
            model=MODEL, messages=[user("one two")], stream=True,
            stream_options={"include_usage": True}))
        assert chunks[0].choices[0].delta.role == "assistant"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks
                       if chunk.choices) == "You said: one two"
        assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"

    def test_tools(self, client):
        tools = [{"type": "function", "function": {
            "name": "weather", "description": "d", "parameters": WEATHER}}]
        messages = [user("weather")]
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=tools,
                                                tool_choice="auto")
        assert answer.choices[0].finish_reason == "tool_calls"
        call = answer.choices[0].message.tool_calls[0]
        assert json.loads(call.function.arguments) == {"city": "Seoul"}
        messages += [answer.choices[0].message.model_dump(exclude_none=True),
                     {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        assert answer.choices[0].message.content == "It says: rain"
        stream = client.chat.completions.create(model=MODEL, messages=[user("weather")],
                                                tools=tools, stream=True)
        pieces = [delta for chunk in stream for delta in chunk.choices[0].delta.tool_calls or []]
        assert pieces[0].function.name == "weather" and pieces[0].id
        assert json.loads("".join(p.function.arguments or "" for p in pieces)) == {"city": "Seoul"}

    def test_structured_output(self, client):
        class Person(pydantic.BaseModel):
            name: str
            age: int
        answer = client.chat.completions.parse(model=MODEL, messages=[user("Who?")],
                                               response_format=Person)
        assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
        answer = client.chat.completions.create(model=MODEL, messages=[user("Who?")],
                                                response_format={"type": "json_object"})
        assert json.loads(answer.choices[0].message.content)["name"] == "Ada"

    def test_images(self, client):
        answer = client.chat.completions.create(model=MODEL, messages=[user([
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}])])
        assert answer.choices[0].message.content == "You said: look"

    def test_embeddings(self, client):
        # The client asks for base64 unless told otherwise.
        packed = client.embeddings.create(model="embed", input=["a", "b"])
        plain = client.embeddings.create(model="embed", input=["a", "b"], encoding_format="float")
        assert len(packed.data) == 2 and len(packed.data[0].embedding) == 64
        for one, other in zip(packed.data[1].embedding, plain.data[1].embedding):
            assert abs(one - other) < 1e-6
        assert packed.usage.total_tokens > 0

    def test_models(self, client):
        for model in client.models.list():
            assert client.models.retrieve(model.id).id == model.id
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("no-such-model")

    @pytest.mark.parametrize("prompt,error", [
        ("please throttle", openai.RateLimitError), ("please be away", openai.InternalServerError),
        ("please fail", openai.InternalServerError),
        ("please refuse", openai.PermissionDeniedError)])
    def test_errors(self, client, prompt, error):
        for stream in (False, True):
            with pytest.raises(error):
                client.chat.completions.create(model=MODEL, messages=[user(prompt)], stream=stream)

    def test_a_broken_stream(self, client):
        with pytest.raises(openai.APIError, match="broke off"):
            list(client.chat.completions.create(
                model=MODEL, messages=[user("break in the middle")], stream=True))

    def test_bad_input_names_the_member(self, client):
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=MODEL, messages=[
                {"role": "tool", "tool_call_id": "none", "content": "x"}])
        assert raised.value.param == "messages.0.tool_call_id"


class TestAnthropic:
    def test_messages(self, claude):
        answer = claude.messages.create(model=MODEL, max_tokens=50, system="Be kind.",
                                        messages=[user("Hello")])
        assert answer.content[0].text == "You said: Hello"
        assert answer.stop_reason == "end_turn" and answer.usage.output_tokens > 0

    def test_stream(self, claude):
        with claude.messages.stream(model=MODEL, max_tokens=50,
                                    messages=[user("one two")]) as stream:
            assert "".join(stream.text_stream) == "You said: one two"
            final = stream.get_final_message()
        assert final.stop_reason == "end_turn"
        assert final.usage.input_tokens > 0 and final.usage.output_tokens > 0

    def test_tools(self, claude):
        tools = [{"name": "weather", "description": "d", "input_schema": WEATHER}]
        messages = [user("weather")]
        answer = claude.messages.create(model=MODEL, max_tokens=50, messages=messages, tools=tools)
        call = answer.content[1]
        assert (answer.stop_reason, call.name, call.input) == ("tool_use", "weather",
                                                               {"city": "Seoul"})
        messages += [{"role": "assistant", "content": answer.content}, user([
            {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}])]
        answer = claude.messages.create(model=MODEL, max_tokens=50, messages=messages, tools=tools)
        assert answer.content[0].text == "It says: rain"
        with claude.messages.stream(model=MODEL, max_tokens=50, messages=[user("weather")],
                                    tools=tools) as stream:
            assert stream.get_final_message().content[1].input == {"city": "Seoul"}

    def test_thinking(self, claude):
        with claude.messages.stream(model=MODEL, max_tokens=50,
                                    messages=[user("think")]) as stream:
            content = stream.get_final_message().content
        assert (content[0].type, content[0].thinking, content[0].signature) == (
            "thinking", "Hm, hm.", "c2ln")
        assert content[1].text == "Thought."

    def test_images_and_counting(self, claude):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                             "data": PNG}}
        answer = claude.messages.create(model=MODEL, max_tokens=5, messages=[
            user([image, {"type": "text", "text": "look"}])])
        assert answer.content[0].text == "You said: look"
        assert claude.messages.count_tokens(model=MODEL, messages=[user("Hi")]).input_tokens > 0

    @pytest.mark.parametrize("prompt,error", [
        ("please throttle", anthropic.RateLimitError),
        ("please refuse", anthropic.PermissionDeniedError),
        ("please be away", anthropic._exceptions.OverloadedError)])
    def test_errors(self, claude, prompt, error):
        with pytest.raises(error):
            claude.messages.create(model=MODEL, max_tokens=5, messages=[user(prompt)])

    def test_a_broken_stream(self, claude):
        with pytest.raises(anthropic.APIStatusError, match="broke off"):
            list(claude.messages.create(model=MODEL, max_tokens=5, stream=True,
                                        messages=[user("break in the middle")]))

    def test_models(self, claude):
        assert claude.models.list() is not None
