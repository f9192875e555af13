"""What valid calls of Identity's operations are made of."""
import contextlib
import json
import urllib.parse

import requests

import issuer
from oauth_server import OauthServer

# An address of this host that models_config lets the daemon call.
HOST = "127.0.0.3"
RETURN_URL = "https://probe.example.com/back"
WORKLOAD, API_KEY, OAUTH = "probed-agent", "probed-key", "probed-server"


def consented(data, server, user):
    """The URI of a consent session whose user has come back from the authorization server."""
    token = data.get_workload_access_token_for_user_id(
        workloadName=WORKLOAD, userId=user)["workloadAccessToken"]
    begun = data.get_resource_oauth2_token(
        workloadIdentityToken=token, resourceCredentialProviderName=OAUTH, scopes=["read"],
        oauth2Flow="USER_FEDERATION", resourceOauth2ReturnUrl=RETURN_URL)
    server.user = user
    callback = requests.get(
        begun["authorizationUrl"], allow_redirects=False, timeout=10).headers["Location"]
    back = requests.get(callback, allow_redirects=False, timeout=10).headers["Location"]
    assert back.startswith(RETURN_URL)
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["session_id"]


@contextlib.contextmanager
def identified(daemon):
    """Inputs by operation, while the authorization server that they name runs."""
    with contextlib.closing(OauthServer(HOST)) as server:
        control = daemon.client("bedrock-agentcore-control")
        data = daemon.client("bedrock-agentcore")
        control.create_workload_identity(
            name=WORKLOAD, allowedResourceOauth2ReturnUrls=[RETURN_URL])
        control.create_api_key_credential_provider(name=API_KEY, apiKey="probe")
        config = {"credentialProviderVendor": "CustomOauth2",
                  "oauth2ProviderConfigInput": server.provider_config()}
        control.create_oauth2_credential_provider(name=OAUTH, **config)
        token = data.get_workload_access_token(workloadName=WORKLOAD)["workloadAccessToken"]
        users_token = issuer.token_of(daemon, issuer.machine_client(daemon))["access_token"]
        yield {
            "CreateApiKeyCredentialProvider": {"name": "another-key", "apiKey": "probe"},
            "CreateOauth2CredentialProvider": {"name": "another-server", **config},
            "CreateWorkloadIdentity": {"name": "another-agent"},
            "GetApiKeyCredentialProvider": {"name": API_KEY},
            "GetOauth2CredentialProvider": {"name": OAUTH},
            "GetWorkloadIdentity": {"name": WORKLOAD},
            "UpdateApiKeyCredentialProvider": {"name": API_KEY, "apiKey": "changed"},
            "UpdateOauth2CredentialProvider": {"name": OAUTH, **config},
            "UpdateWorkloadIdentity": {"name": WORKLOAD},
            "DeleteApiKeyCredentialProvider": {"name": API_KEY},
            "DeleteOauth2CredentialProvider": {"name": OAUTH},
            "DeleteWorkloadIdentity": {"name": WORKLOAD},
            "SetTokenVaultCMK": {"kmsConfiguration": {"keyType": "ServiceManagedKey"}},
            "GetWorkloadAccessToken": {"workloadName": WORKLOAD},
            "GetWorkloadAccessTokenForJWT": {"workloadName": WORKLOAD, "userToken": users_token},
            "GetWorkloadAccessTokenForUserId": {"workloadName": WORKLOAD, "userId": "probe"},
            "GetResourceApiKey": {
                "workloadIdentityToken": token, "resourceCredentialProviderName": API_KEY},
            "GetResourceOauth2Token": {
                "workloadIdentityToken": token, "resourceCredentialProviderName": OAUTH,
                "oauth2Flow": "M2M", "scopes": ["read"]},
            "CompleteResourceTokenAuth": {
                "userIdentifier": {"userId": "probe"},
                "sessionUri": consented(data, server, "probe")},
        }


def policy_of(resource):
    """A resource policy that lets everybody of the account in."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "bedrock-agentcore:InvokeAgentRuntime", "Resource": resource}]})
