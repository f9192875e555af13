"""Configurations of a daemon whose models are scripted: what they answer is written down here."""
import json

# Rules that the tests of every front share: the prompt says what is wanted.
RULES = [
    {"when": {"tool_results": True}, "answer": "It says: {{tool_result}}"},
    {"when": {"prompt": "weather", "tool": "weather"},
     "answer": [{"text": "Let me look."},
                {"tool": {"name": "weather", "input": {"city": "Seoul"}}}]},
    {"when": {"tool": "Person"},
     "answer": [{"tool": {"name": "Person", "input": {"name": "Ada", "age": 36}}}]},
    {"when": {"output_format": True}, "answer": '{"name": "Ada", "age": 36}'},
    {"when": {"system": "I like green tea", "prompt": "What do I like?"},
     "answer": "Green tea, you said."},
    {"when": {"prompt": "think"},
     "answer": [{"reasoning": "Hm, hm.", "signature": "c2ln"}, {"text": "Thought."}]},
    {"when": {"prompt": "please throttle"}, "fail": {"error": "throttled", "message": "slow down"}},
    {"when": {"prompt": "please time out"}, "fail": {"error": "timeout"}},
    {"when": {"prompt": "please be away"}, "fail": {"error": "unavailable"}},
    {"when": {"prompt": "please fail"}, "fail": {"error": "model"}},
    {"when": {"prompt": "please refuse"}, "fail": {"error": "access_denied"}},
    {"when": {"prompt": "please get ready"}, "fail": {"error": "not_ready"}},
    {"when": {"prompt": "break in the middle"}, "answer": "one two three", "breaks": "half"},
    {"when": {"prompt": "hang"}, "answer": "one two three", "breaks": "hang"},
    {"when": {"prompt": "be short"}, "answer": "cut", "stop_reason": "max_tokens"},
    {"when": {"prompt": "slow"}, "answer": "a b c d e f g h", "delay_ms": 100},
    {"answer": "You said: {{prompt}}"},
]


def write(folder, rules=None, provider=None, platform=None, **more):
    """The path of a configuration whose default model answers by `rules`; `platform` is what it
    has beside models."""
    script = folder / "script.yaml"
    script.write_text(json.dumps({"rules": RULES if rules is None else rules}))  # JSON is YAML
    scripted = {"kind": "scripted", "script": str(script), "attempts_max": 1,
                "breaker_failures": 1_000_000, **(provider or {})}
    config = {"models": {"providers": {"scripted": scripted}, "default": ["scripted/test"],
                         "default_embedding": ["scripted/test"], **more},
              **(platform or {})}
    path = folder / "agentcored.yaml"
    path.write_text(json.dumps(config))
    return path
