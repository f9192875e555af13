"""Sends calls over raw HTTP, signed by botocore, so that nothing checks the input on the way."""
import base64
import dataclasses
import http.client
import json
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from daemon import REGION


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def error(self):
        return self.headers.get("x-amzn-errortype", "").split(":")[0]

    @property
    def json(self):
        return json.loads(self.body)


class ProbeClient:
    def __init__(self, daemon):
        self.daemon = daemon
        self.credentials = Credentials(daemon.env["AWS_ACCESS_KEY_ID"],
                                       daemon.env["AWS_SECRET_ACCESS_KEY"])
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)

    def send(self, method, target, body=b"", headers=None, signed=True):
        headers = dict(headers or {})
        if signed:
            request = AWSRequest(method, self.daemon.endpoint + target, headers, body)
            SigV4Auth(self.credentials, "bedrock-agentcore", REGION).add_auth(request)
            headers = dict(request.headers.items())
        try:
            self.connection.request(method, target, body, headers)
            response = self.connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise

    def call(self, operation, arguments):
        return self.send(*encode(operation, arguments))


def encode(operation, arguments):
    """(method, target, body, headers) of a call, whatever the arguments are."""
    path = operation.http["requestUri"]
    query, headers, members, payload = [], {}, {}, None
    shape = operation.input_shape
    for name, value in arguments.items():
        place = shape.members[name].serialization
        wire_name = place.get("name", name)
        where = place.get("location")
        if where == "uri":
            path = path.replace("{%s}" % wire_name, urllib.parse.quote(_text(value), safe="-._~"))
        elif where == "querystring":
            values = value if isinstance(value, list) else [value]
            query += [(wire_name, _text(item)) for item in values]
        elif where == "header":
            headers[wire_name] = _text(value)
        elif shape.serialization.get("payload") == name:
            payload = _renamed(shape.members[name], value)
        else:
            members[wire_name] = _renamed(shape.members[name], value)
    target = path
    if query:
        target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="-._~")
    if "payload" in shape.serialization:
        body = payload if isinstance(payload, bytes) else _json(payload)
        body = b"" if payload is None else body
    elif any("location" not in m.serialization for m in shape.members.values()):
        body = _json(members)
    else:
        body = b""
    if body:
        headers.setdefault("Content-Type", "application/json")
    return operation.http["method"], target, body, headers


def _renamed(shape, value):
    """Members under the names that they have on the wire."""
    if shape.type_name == "structure" and isinstance(value, dict):
        known = getattr(shape, "members", {})
        return {known[name].serialization.get("name", name) if name in known else name:
                _renamed(known[name], item) if name in known else item
                for name, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_renamed(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _renamed(shape.value, item) for key, item in value.items()}
    return value


def _text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _json(value):
    return json.dumps(value, default=lambda data: base64.b64encode(data).decode()).encode()
