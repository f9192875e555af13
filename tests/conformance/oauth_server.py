"""An OAuth2 authorization server for tests: codes with PKCE, rotating refresh tokens, and ways to
misbehave. It listens on a loopback address, which the daemon must be told to allow
(outbound.allow)."""
import base64
import hashlib
import json
import secrets
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIENT_ID = "test-client"
CLIENT_SECRET = "planted-client-secret-7c1f"


class OauthServer:
    def __init__(self, host="127.0.0.1"):
        self.lock = threading.Lock()
        self.codes = {}
        self.refresh_tokens = {}  # token -> (user, the token it replaced)
        self.issued = {}          # access token -> user
        self.refreshes = 0
        self.delay = 0.0
        self.life = 3600
        self.user = "kim"         # who is signed in at the provider
        self.answer = None        # (status, headers, body) instead of a token
        self.names_issuer = False
        self.challenge_methods = ["S256"]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer._get(self)

            def do_POST(self):
                outer._post(self)

        self.http = ThreadingHTTPServer((host, 0), Handler)
        self.http.daemon_threads = True
        self.issuer = f"http://{host}:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def discovery_url(self):
        return self.issuer + "/.well-known/openid-configuration"

    def metadata(self):
        out = {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize",
               "token_endpoint": self.issuer + "/token",
               "code_challenge_methods_supported": self.challenge_methods}
        if self.names_issuer:
            out["authorization_response_iss_parameter_supported"] = True
        return out

    @staticmethod
    def _reply(handler, status, body=b"", headers=None):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in (headers or {"Content-Type": "application/json"}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _get(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        if url.path.endswith("/.well-known/openid-configuration"):
            return self._reply(handler, 200, self.metadata())
        query = dict(urllib.parse.parse_qsl(url.query))
        code = secrets.token_urlsafe(16)
        with self.lock:
            self.codes[code] = {**query, "user": self.user}
        back = {"code": code, "state": query["state"]}
        if self.names_issuer:
            back["iss"] = self.issuer
        location = query["redirect_uri"] + "?" + urllib.parse.urlencode(back)
        self._reply(handler, 302, headers={"Location": location})

    def _post(self, handler):
        size = int(handler.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(handler.rfile.read(size).decode()))
        if self.answer:
            status, headers, body = self.answer
            return self._reply(handler, status, body, headers)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        basic = handler.headers.get("Authorization") == "Basic " + expected
        post = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not (basic or post):
            return self._reply(handler, 401, {"error": "invalid_client"})
        with self.lock:
            granted = self._grant(form)
        if self.delay:
            threading.Event().wait(self.delay)
        if granted is None:
            return self._reply(handler, 400, {"error": "invalid_grant"})
        self._reply(handler, 200, granted)

    def _grant(self, form):
        kind = form.get("grant_type", "")
        if kind == "client_credentials":
            return self._tokens("client", None)
        if kind == "authorization_code":
            code = self.codes.pop(form.get("code"), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (not code or code["redirect_uri"] != form.get("redirect_uri")
                    or code.get("code_challenge") != challenge):
                return None
            return self._tokens(code["user"], "")
        if kind == "refresh_token":
            # The token that was traded in is good until its successor has been used.
            found = self.refresh_tokens.get(form.get("refresh_token"))
            if not found:
                return None
            user, parent = found
            self.refresh_tokens.pop(parent, None)
            self.refreshes += 1
            return self._tokens(user, form["refresh_token"])
        if kind.endswith("token-exchange") or kind.endswith("jwt-bearer"):
            return self._tokens("exchanged", None)
        return None

    def _tokens(self, user, parent):
        access = f"access-{user}-{secrets.token_urlsafe(24)}"
        self.issued[access] = user
        out = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        if parent is not None:
            refresh = f"refresh-{user}-{secrets.token_urlsafe(24)}"
            self.refresh_tokens[refresh] = (user, parent)
            out["refresh_token"] = refresh
        return out

    def provider_config(self, discovery=True):
        where = ({"discoveryUrl": self.discovery_url} if discovery else
                 {"authorizationServerMetadata": {
                     "issuer": self.issuer, "authorizationEndpoint": self.issuer + "/authorize",
                     "tokenEndpoint": self.issuer + "/token"}})
        return {"customOauth2ProviderConfig": {
            "oauthDiscovery": where, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}}
