"""Cognito user pools on the development issuer: what the official toolkit calls, through boto3."""
import base64
import hashlib
import hmac
import urllib.parse

import boto3
import jwt
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

import agents
import issuer
from conftest import served
from daemon import REGION
from test_inbound_jwt import AGENT, invoke


@pytest.fixture(scope="module")
def issuing(tmp_path_factory):
    config = tmp_path_factory.mktemp("cognito") / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def cognito(issuing):
    return issuing.client("cognito-idp")


@pytest.fixture(scope="module")
def gateway_pool(cognito):
    """create_oauth_authorizer_with_cognito's calls, in its order."""
    pool = cognito.create_user_pool(
        PoolName="agentcore-gateway-1", AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}
    )["UserPool"]["Id"]
    cognito.create_user_pool_domain(Domain="agentcore-1", UserPoolId=pool)
    described = cognito.describe_user_pool_domain(Domain="agentcore-1")
    assert described["DomainDescription"]["Status"] == "ACTIVE"
    cognito.create_resource_server(
        UserPoolId=pool, Identifier="MyGateway", Name="MyGateway",
        Scopes=[{"ScopeName": "invoke", "ScopeDescription": "Scope for invoking the gateway"}])
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="agentcore-client-1", GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"], AllowedOAuthScopes=["MyGateway/invoke"],
        AllowedOAuthFlowsUserPoolClient=True, SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]
    return pool, client


def token_of(issuing, client, **more):
    """Cognito's host is the client's to build; here it is reached as a proxy would."""
    return requests.post(
        issuing.endpoint + "/oauth2/token", timeout=60,
        headers={"Host": f"agentcore-1.auth.{REGION}.amazoncognito.com"},
        data={"grant_type": "client_credentials", "client_id": client["ClientId"],
              "client_secret": client["ClientSecret"], "scope": "MyGateway/invoke", **more})


def issuer_url(pool):
    return f"https://cognito-idp.{REGION}.amazonaws.com/{pool}"


def test_the_toolkits_sequence_ends_in_a_token(issuing, gateway_pool):
    pool, client = gateway_pool
    answer = token_of(issuing, client)
    assert answer.ok, answer.text
    token = answer.json()["access_token"]
    keys = requests.get(f"{issuing.endpoint}/{pool}/.well-known/jwks.json", timeout=60,
                        headers={"Host": f"cognito-idp.{REGION}.amazonaws.com"}).json()
    key = next(k for k in keys["keys"] if k["kid"] == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], issuer=issuer_url(pool))
    assert claims["client_id"] == client["ClientId"] and claims["token_use"] == "access"
    assert claims["scope"] == "MyGateway/invoke" and claims["version"] == 2
    refused = token_of(issuing, client, scope="MyGateway/admin")
    assert refused.status_code == 400 and refused.json()["error"] == "invalid_scope"


def test_a_runtime_finds_the_pool_by_the_discovery_url_that_the_toolkit_writes(
        issuing, gateway_pool):
    pool, client = gateway_pool
    runtime = agents.deploy(issuing, AGENT, name="cognito", authorizerConfiguration={
        "customJWTAuthorizer": {
            "allowedClients": [client["ClientId"]],
            "discoveryUrl": issuer_url(pool) + "/.well-known/openid-configuration"}})
    token = token_of(issuing, client).json()["access_token"]
    answer = invoke(issuing, runtime, token)
    assert answer.status_code == 200, answer.text
    assert invoke(issuing, runtime, token[:-6] + "AAAAAA").status_code == 401


def test_users_log_in_with_a_password(issuing, cognito):
    """The tutorials' way to a bearer token: admin-create-user ... initiate-auth."""
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    cognito.admin_create_user(UserPoolId=pool, Username="testuser",
                              TemporaryPassword="Temp123!", MessageAction="SUPPRESS",
                              UserAttributes=[{"Name": "email", "Value": "t@example.com"}])
    cognito.admin_set_user_password(UserPoolId=pool, Username="testuser",
                                    Password="MyPassword123!", Permanent=True)
    anonymous = boto3.client("cognito-idp", endpoint_url=issuing.endpoint, region_name=REGION,
                             config=Config(signature_version=UNSIGNED))
    parameters = {"USERNAME": "testuser", "PASSWORD": "MyPassword123!"}
    result = anonymous.initiate_auth(ClientId=client["ClientId"], AuthFlow="USER_PASSWORD_AUTH",
                                     AuthParameters=parameters)["AuthenticationResult"]
    claims = jwt.decode(result["AccessToken"], options={"verify_signature": False})
    assert claims["username"] == "testuser" and claims["iss"] == issuer_url(pool)
    assert jwt.decode(result["IdToken"], options={"verify_signature": False})[
        "email"] == "t@example.com"
    again = anonymous.initiate_auth(
        ClientId=client["ClientId"], AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": result["RefreshToken"]})["AuthenticationResult"]
    assert again["AccessToken"]
    with pytest.raises(anonymous.exceptions.NotAuthorizedException):
        anonymous.initiate_auth(ClientId=client["ClientId"], AuthFlow="USER_PASSWORD_AUTH",
                                AuthParameters={**parameters, "PASSWORD": "wrong"})
    with pytest.raises(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(UserPoolId=pool, Username="testuser")


def test_a_client_with_a_secret_proves_it(issuing, cognito):
    pool = cognito.create_user_pool(PoolName="secret")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])["UserPoolClient"]
    cognito.admin_create_user(UserPoolId=pool, Username="u")
    cognito.admin_set_user_password(UserPoolId=pool, Username="u", Password="Password1!",
                                    Permanent=True)
    digest = hmac.new(client["ClientSecret"].encode(), b"u" + client["ClientId"].encode(),
                      hashlib.sha256).digest()
    parameters = {"USERNAME": "u", "PASSWORD": "Password1!"}
    arguments = {"ClientId": client["ClientId"], "AuthFlow": "USER_PASSWORD_AUTH"}
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(AuthParameters=parameters, **arguments)
    proof = {"SECRET_HASH": base64.b64encode(digest).decode()}
    result = cognito.initiate_auth(AuthParameters={**parameters, **proof}, **arguments)
    token = {"REFRESH_TOKEN": result["AuthenticationResult"]["RefreshToken"]}
    arguments["AuthFlow"] = "REFRESH_TOKEN_AUTH"
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(AuthParameters=token, **arguments)
    assert cognito.initiate_auth(AuthParameters={**token, **proof}, **arguments)


def test_pools_are_described_listed_and_removed(issuing, cognito):
    pool = cognito.create_user_pool(PoolName="short")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", GenerateSecret=True)["UserPoolClient"]
    found = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"])
    assert found["UserPoolClient"]["ClientSecret"] == client["ClientSecret"]
    assert pool in [p["Id"] for p in cognito.list_user_pools(MaxResults=60)["UserPools"]]
    cognito.create_user_pool_domain(Domain="short-lived", UserPoolId=pool)
    with pytest.raises(cognito.exceptions.InvalidParameterException):
        cognito.delete_user_pool(UserPoolId=pool)
    cognito.delete_user_pool_domain(Domain="short-lived", UserPoolId=pool)
    assert not cognito.describe_user_pool_domain(Domain="short-lived")["DomainDescription"]
    cognito.delete_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"])
    cognito.delete_user_pool(UserPoolId=pool)
    with pytest.raises(cognito.exceptions.ResourceNotFoundException):
        cognito.describe_user_pool(UserPoolId=pool)


def test_pools_of_another_region_are_not_seen(issuing, gateway_pool):
    pool, _ = gateway_pool
    elsewhere = boto3.client(
        "cognito-idp", endpoint_url=issuing.endpoint, region_name="eu-west-1",
        aws_access_key_id=issuing.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=issuing.env["AWS_SECRET_ACCESS_KEY"])
    with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
        elsewhere.describe_user_pool(UserPoolId=pool)


def test_unsigned_calls_reach_no_other_operation(issuing):
    anonymous = boto3.client("cognito-idp", endpoint_url=issuing.endpoint, region_name=REGION,
                             config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError):
        anonymous.create_user_pool(PoolName="x")
    answer = requests.post(issuing.endpoint, data="{}", timeout=60, headers={
        "X-Amz-Target": "AWSCognitoIdentityProviderService.CreateUserPool"})
    assert answer.status_code == 403


def test_what_is_not_built_says_so(cognito):
    with pytest.raises(ClientError) as refused:
        cognito.list_groups(UserPoolId=f"{REGION}_aaaaaaaaa")
    assert "ListGroups is not implemented" in str(refused.value)


def test_without_the_issuer_operations_say_how_to_enable_it(fresh_daemon):
    with pytest.raises(ClientError) as refused:
        fresh_daemon.client("cognito-idp").create_user_pool(PoolName="x")
    assert "issuer.enabled" in str(refused.value)
    assert requests.get(fresh_daemon.endpoint + "/issuer/.well-known/openid-configuration",
                        timeout=60).status_code == 403
    assert urllib.parse.urlsplit(fresh_daemon.endpoint).scheme == "http"
