"""Strands' model providers on the fronts: Bedrock, OpenAI and Anthropic; tools and structured
output, streamed and not."""
import asyncio

import boto3
import pydantic
import pytest
import strands
from strands.models.anthropic import AnthropicModel
from strands.models.bedrock import BedrockModel
from strands.models.openai import OpenAIModel
from strands.types.exceptions import ModelThrottledException

from daemon import REGION
from test_models_openai import cli

MODEL = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"


class Person(pydantic.BaseModel):
    """Somebody."""
    name: str
    age: int


@strands.tool
def weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Its name.
    """
    return f"rain in {city}"


@pytest.fixture(scope="module")
def key(daemon):
    return cli(daemon, "models", "key", "create", "strands")


def bedrock(daemon, _, **more):
    session = boto3.Session(aws_access_key_id=daemon.env["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=daemon.env["AWS_SECRET_ACCESS_KEY"],
                            region_name=REGION)
    return BedrockModel(boto_session=session, endpoint_url=daemon.endpoint, model_id=MODEL, **more)


def openai_model(daemon, key, **more):
    return OpenAIModel(client_args={"base_url": daemon.endpoint + "/v1", "api_key": key,
                                    "max_retries": 0}, model_id=MODEL, **more)


def anthropic_model(daemon, key, **more):
    # Its client outlives the event loop of each call and needs a retry to notice.
    return AnthropicModel(client_args={"base_url": daemon.endpoint, "api_key": key,
                                       "max_retries": 1}, model_id=MODEL, max_tokens=500, **more)


def bedrock_whole(daemon, key):
    return bedrock(daemon, key, streaming=False)


MAKERS = [bedrock, bedrock_whole, openai_model, anthropic_model]


@pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
def model(request, daemon, key):
    return request.param(daemon, key)


def text_of(result):
    return "".join(block.get("text", "") for block in result.message["content"])


def quiet(model, **more):
    return strands.Agent(model=model, callback_handler=None, **more)


def test_an_agent_answers(model):
    result = quiet(model, system_prompt="Be kind.")("Hello there")
    assert text_of(result) == "You said: Hello there"
    assert result.stop_reason == "end_turn"
    usage = result.metrics.accumulated_usage
    assert usage["inputTokens"] > 0 and usage["outputTokens"] > 0


def test_an_agent_remembers_its_turns(model):
    agent = quiet(model)
    agent("one")
    assert text_of(agent("two")) == "You said: two"
    assert [message["role"] for message in agent.messages] == ["user", "assistant"] * 2


def test_an_agent_uses_a_tool(model):
    result = quiet(model, tools=[weather])("How is the weather?")
    assert text_of(result) == "It says: rain in Seoul"
    assert result.metrics.tool_metrics["weather"].call_count == 1


def test_structured_output(model):
    result = quiet(model)("Who is it?", structured_output_model=Person)
    assert result.structured_output == Person(name="Ada", age=36)


def test_throttling_is_told_as_such(model):
    agent = quiet(model, retry_strategy=None)
    with pytest.raises(ModelThrottledException):
        agent("please throttle")


def test_counting_tokens(daemon, key):
    model = bedrock(daemon, key, use_native_token_count=True)
    count = asyncio.run(model.count_tokens([{"role": "user", "content": [{"text": "Hello"}]}]))
    assert count > 0
