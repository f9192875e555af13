"""Calls made from the API model: valid ones, and one that breaks each constraint of each member.

A Probe is the input of one call (members by their names) and what must be said about it. Nothing
here talks to a server.
"""
import dataclasses
import functools
import uuid

import botocore.session

import regex_strings

PLANES = {"control": "bedrock-agentcore-control", "data": "bedrock-agentcore",
          "models": "bedrock-runtime", "catalogue": "bedrock"}
# A longer string or list is not worth sending.
SIZE_MAX = 200_000
ABSENT = object()

# Constraints that agentcored relaxes on purpose (src/wire/relaxations.cpp): member, kind.
RELAXED = {
    ("runtimeSessionId", "too short"), ("eventExpiryDuration", "too small"),
    ("containerUri", "pattern"), ("lambdaArn", "missing"), ("modelId", "pattern"),
    ("modelIdentifier", "pattern"),
}


@dataclasses.dataclass
class Probe:
    kind: str
    path: tuple  # member names and list indices
    arguments: dict
    says: str  # part of the violation's message

    @property
    def member(self):
        return ".".join(str(part) for part in self.path)

    def __str__(self):
        return f"{self.member} {self.kind}"


# Of Bedrock's planes these are served; the others have no input to make.
BEDROCK = {
    "Converse", "ConverseStream", "CountTokens", "InvokeModel", "InvokeModelWithResponseStream",
    "GetFoundationModel", "GetInferenceProfile", "ListFoundationModels", "ListInferenceProfiles",
}


@functools.cache
def all_operations():
    """Every operation of all planes by name; AgentCore's where Bedrock has the name too."""
    session = botocore.session.Session()
    models = [session.get_service_model(service) for service in reversed(PLANES.values())]
    return {name: model.operation_model(name) for model in models for name in
            model.operation_names}


@functools.cache
def operations():
    """Those whose input is validated by the tables."""
    return {name: operation for name, operation in all_operations().items()
            if name in BEDROCK or operation.service_model.service_name not in
            (PLANES["models"], PLANES["catalogue"])}


def minimal(shape):
    """The smallest value that the model allows."""
    kind, rules = shape.type_name, shape.metadata
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {}
        if getattr(shape, "is_tagged_union", False):
            name, member = next(iter(shape.members.items()))
            return {name: minimal(member)}
        return {name: _member_value(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [minimal(shape.member) for _ in range(rules.get("min", 0))]
    if kind == "map":
        keys = [_text_of(shape.key, salt) for salt in range(rules.get("min", 0))]
        return {key: minimal(shape.value) for key in keys}
    if kind == "string":
        return _text_of(shape)
    if kind in ("integer", "long"):
        return int(rules.get("min", min(1, rules.get("max", 1))))
    if kind in ("float", "double"):
        return float(rules.get("min", 0.5))
    return {"boolean": True, "timestamp": 1767225600, "blob": b"x"}[kind]


def _member_value(member):
    value = minimal(member)
    # An empty list cannot be said in a query string.
    in_query = member.serialization.get("location") == "querystring"
    return [minimal(member.member)] if in_query and value == [] else value


def _text_of(shape, salt=0):
    rules = shape.metadata
    if rules.get("enum"):
        return rules["enum"][salt % len(rules["enum"])]
    if "pattern" in rules:
        text = regex_strings.matching(rules["pattern"], rules.get("min", 0), rules.get("max"))
        assert text is not None, f"no string found for {shape.name}: {rules['pattern']}"
        return text
    least = max(1, rules.get("min", 1))
    return str(uuid.uuid4())[:least].ljust(least, "a") if salt == 0 else "k" * least + str(salt)


def place(shape, path, leaf):
    """A minimal value of `shape` with `leaf` at `path`."""
    if not path:
        return leaf
    head, rest = path[0], path[1:]
    if shape.type_name == "structure":
        value = {} if getattr(shape, "is_tagged_union", False) else minimal(shape)
        value[head] = place(shape.members[head], rest, leaf)
        return {k: v for k, v in value.items() if v is not ABSENT}
    if shape.type_name == "list":
        value = minimal(shape) or [None]
        value[head] = place(shape.member, rest, leaf)
        return value
    return {head: place(shape.value, rest, leaf)}


def walk(shape, path=(), above=()):
    """(path, shape, required, location) of every member below an input, recursion cut."""
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        if shape.name in above:
            return
        for name, member in shape.members.items():
            required = name in shape.required_members
            yield path + (name,), member, required
            yield from walk(member, path + (name,), above + (shape.name,))
    elif shape.type_name == "list":
        yield path + (0,), shape.member, False
        yield from walk(shape.member, path + (0,), above)
    elif shape.type_name == "map":
        key = _text_of(shape.key)
        yield path + (key,), shape.value, False
        yield from walk(shape.value, path + (key,), above)


def malformed(operation, base):
    """One Probe for each constraint; `base` gives top-level members better values."""
    shape = operation.input_shape
    for path, member, required in walk(shape):
        location = _location(shape, path[0])
        for kind, value, says in _violations(member, required, location):
            if (path[-1], kind) in RELAXED:
                continue
            arguments = place(shape, path, value)
            for name, good in base.items():
                if name != path[0]:
                    arguments[name] = good
            yield Probe(kind, path, arguments, says)


def _location(shape, name):
    member = shape.members[name]
    if shape.serialization.get("payload") == name and member.type_name == "blob":
        return "raw"
    return member.serialization.get("location", "body")


def _violations(shape, required, location):
    if location == "raw":
        return
    if required and location != "uri":
        yield "missing", ABSENT, "must not be null"
    if location in ("uri", "querystring", "header"):
        yield from _text_violations(shape, location)
        return
    wrong = _wrong_type(shape)
    if wrong is not None:
        yield "wrong type", wrong, "must be"
    if shape.type_name == "string":
        yield from _string_violations(shape, lambda text: True)
    elif shape.type_name in ("list", "map"):
        yield from _size_violations(shape)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _range_violations(shape)
    if getattr(shape, "is_tagged_union", False):
        yield "union without member", {}, "exactly one"


def _text_violations(shape, location):
    """Members that travel as text: labels, query parameters, headers."""
    def usable(text):
        if location == "header":
            return text.isascii() and text.isprintable() and text == text.strip() != ""
        return bool(text)

    if shape.type_name == "string":
        for kind, value, says in _string_violations(shape, usable):
            if usable(value):
                yield kind, value, says
    elif shape.type_name in ("integer", "long"):
        yield "wrong type", "ten", "must be"
        yield from _range_violations(shape)
    elif shape.type_name == "boolean":
        yield "wrong type", "maybe", "must be"


def _wrong_type(shape):
    if getattr(shape, "is_document_type", False):
        return None
    return {
        "structure": "text", "list": {"x": 1}, "map": [1], "string": 7, "integer": "ten",
        "long": "ten", "float": "ten", "double": "ten", "boolean": "true",
        "timestamp": "yesterday", "blob": 7,
    }[shape.type_name]


def _string_violations(shape, usable):
    rules = shape.metadata
    if rules.get("enum"):
        yield "enum", "NO_SUCH_VALUE", "enum value set"
    if rules.get("min", 0) > 0:
        yield "too short", "a" * (rules["min"] - 1), "greater than or equal to"
    if rules.get("max", SIZE_MAX) < SIZE_MAX:
        yield "too long", "a" * (rules["max"] + 1), "less than or equal to"
    if "pattern" in rules:
        text = regex_strings.violating(rules["pattern"], rules.get("min", 0), rules.get("max"),
                                       usable)
        if text is not None:
            yield "pattern", text, "regular expression"


def _size_violations(shape):
    rules = shape.metadata
    one = shape.member if shape.type_name == "list" else shape.value
    if rules.get("min", 0) > 0:
        few = [minimal(one) for _ in range(rules["min"] - 1)]
        yield "too few", few if shape.type_name == "list" else {}, "greater than or equal to"
    if rules.get("max", SIZE_MAX) < 2000:
        many = [minimal(one) for _ in range(rules["max"] + 1)]
        if shape.type_name == "map":
            many = {f"key{i}": value for i, value in enumerate(many)}
        yield "too many", many, "less than or equal to"


def _range_violations(shape):
    rules = shape.metadata
    if "min" in rules:
        yield "too small", rules["min"] - 1, "greater than or equal to"
    if "max" in rules:
        yield "too large", rules["max"] + 1, ("less than or equal to", "must be")
