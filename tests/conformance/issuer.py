"""The development issuer as its clients see it: HTTP by `requests`; administration is signed."""
import base64
import hashlib
import html
import json
import re
import secrets
import urllib.parse

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from daemon import REGION

CONFIG = """
issuer:
  enabled: true
"""


def admin(daemon, method, path, document=None):
    """One of our own signed operations below /x/issuer."""
    session = boto3.session.Session(
        aws_access_key_id=daemon.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=daemon.env["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    body = json.dumps(document) if document is not None else ""
    request = AWSRequest(method, daemon.endpoint + path, data=body,
                         headers={"Content-Type": "application/json"})
    SigV4Auth(session.get_credentials(), "bedrock-agentcore", REGION).add_auth(request)
    response = requests.request(method, request.url, data=body, headers=dict(request.headers),
                                timeout=60)
    assert response.ok, f"{response.status_code} {response.text}"
    return response.json()


def machine_client(daemon, **more):
    return admin(daemon, "POST", "/x/issuer/clients", {
        "name": "machine", "grants": ["client_credentials"], "scopes": ["read", "write"], **more})


def token_of(daemon, client, **more):
    response = requests.post(
        daemon.endpoint + "/issuer/oauth2/token",
        data={"grant_type": "client_credentials", **more},
        auth=(client["clientId"], client["clientSecret"]), timeout=60)
    assert response.ok, response.text
    return response.json()


def pkce():
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize(daemon, root="/issuer", browser=None, **parameters):
    browser = browser or requests.Session()
    response = browser.get(daemon.endpoint + root + "/oauth2/authorize", params=parameters,
                           allow_redirects=False, timeout=60)
    return browser, response


def log_in(daemon, browser, page, name, password):
    """Fills the form of the login page in; the answer, not followed."""
    action = html.unescape(re.search(r'action="([^"]*)"', page.text).group(1))
    ticket = html.unescape(re.search(r'name="ticket" value="([^"]*)"', page.text).group(1))
    return browser.post(urllib.parse.urljoin(daemon.endpoint, action), allow_redirects=False,
                        data={"ticket": ticket, "username": name, "password": password},
                        timeout=60)


def query_of(response):
    location = urllib.parse.urlsplit(response.headers["Location"])
    return dict(urllib.parse.parse_qsl(location.query))
