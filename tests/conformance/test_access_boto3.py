"""Identity and access with boto3: IAM, STS, and what policies then allow on every front."""
import concurrent.futures
import datetime
import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from daemon import REGION

ACCOUNT = "000000000000"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal,
         "Action": ["sts:AssumeRole", "sts:TagSession"]}]})


def as_key(daemon, service, key, secret, token=None):
    return boto3.client(
        service, endpoint_url=daemon.endpoint, region_name=REGION, aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token,
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}))


def with_credentials(daemon, service, credentials):
    return as_key(daemon, service, credentials["AccessKeyId"], credentials["SecretAccessKey"],
                  credentials["SessionToken"])


def code_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def iam(daemon):
    return daemon.client("iam")


@pytest.fixture
def user(daemon, iam, request):
    """user(name, document): clients of a new user with that inline policy."""
    made = []

    def make(name, document=None):
        iam.create_user(UserName=name)
        made.append(name)
        if document:
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: as_key(daemon, service, key["AccessKeyId"], key["SecretAccessKey"])

    yield make
    for name in made:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for attached in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])
        for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=inline)
        iam.delete_user(UserName=name)


def test_the_root_is_its_account(daemon):
    identity = daemon.client("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT and identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_a_new_user_may_nothing_but_ask_who_it_is(user):
    of = user("nobody")
    assert of("sts").get_caller_identity()["Arn"].endswith(":user/nobody")
    assert code_of(of("bedrock-agentcore-control").list_memories) == "AccessDeniedException"
    assert code_of(of("s3").list_buckets) == "AccessDenied"
    assert code_of(of("iam").list_users) == "AccessDenied"
    with pytest.raises(ClientError) as caught:
        of("bedrock-agentcore-control").get_memory(memoryId="mine-0123456789")
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: "
        f"bedrock-agentcore:GetMemory on resource: arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:"
        "memory/mine-0123456789 because no identity-based policy allows the "
        "bedrock-agentcore:GetMemory action")


def test_policies_decide_by_action_and_resource(daemon, user):
    control = daemon.client("bedrock-agentcore-control")
    mine = control.create_memory(name="access_mine", eventExpiryDuration=7)["memory"]
    other = control.create_memory(name="access_other", eventExpiryDuration=7)["memory"]
    of = user("worker", policy(
        allow(["bedrock-agentcore:GetMemory", "bedrock-agentcore:CreateEvent"], mine["arn"]),
        allow("bedrock-agentcore:ListEvents", mine["arn"],
              Condition={"StringEquals": {"bedrock-agentcore:actorId": "alice"}})))
    client, data = of("bedrock-agentcore-control"), of("bedrock-agentcore")
    assert client.get_memory(memoryId=mine["id"])["memory"]["id"] == mine["id"]
    assert code_of(client.get_memory, memoryId=other["id"]) == "AccessDeniedException"
    assert code_of(client.delete_memory, memoryId=mine["id"]) == "AccessDeniedException"
    data.create_event(memoryId=mine["id"], actorId="bob", sessionId="s",
                      eventTimestamp=datetime.datetime.now(),
                      payload=[{"conversational": {"role": "USER", "content": {"text": "hi"}}}])
    assert data.list_events(memoryId=mine["id"], actorId="alice", sessionId="s")["events"] == []
    assert code_of(data.list_events, memoryId=mine["id"], actorId="bob",
                   sessionId="s") == "AccessDeniedException"
    for memory in (mine, other):
        control.delete_memory(memoryId=memory["id"])


def test_s3_is_allowed_by_key_and_by_copy_source(daemon, user):
    s3 = daemon.client("s3")
    s3.create_bucket(Bucket="access-bucket",
                     CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="access-bucket", Key="public/a", Body=b"a")
    s3.put_object(Bucket="access-bucket", Key="private/a", Body=b"a")
    mine = user("reader", policy(
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
              "arn:aws:s3:::access-bucket/public/*"),
        allow("s3:ListBucket", "arn:aws:s3:::access-bucket",
              Condition={"StringLike": {"s3:prefix": "public/*"}})))("s3")
    assert mine.get_object(Bucket="access-bucket", Key="public/a")["Body"].read() == b"a"
    assert code_of(mine.get_object, Bucket="access-bucket", Key="private/a") == "AccessDenied"
    assert code_of(mine.copy_object, Bucket="access-bucket", Key="public/stolen",
                   CopySource="access-bucket/private/a") == "AccessDenied"
    assert mine.list_objects_v2(Bucket="access-bucket", Prefix="public/")["KeyCount"] == 1
    assert code_of(mine.list_objects_v2, Bucket="access-bucket") == "AccessDenied"
    answer = mine.delete_objects(Bucket="access-bucket", Delete={
        "Objects": [{"Key": "public/a"}, {"Key": "private/a"}]})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["public/a"]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [
        ("private/a", "AccessDenied")]


def test_keys_rotate_and_stop_at_once(daemon, iam, user):
    user("rotating")
    listed = iam.list_access_keys(UserName="rotating")["AccessKeyMetadata"]
    second = iam.create_access_key(UserName="rotating")["AccessKey"]
    assert code_of(iam.create_access_key, UserName="rotating") == "LimitExceeded"
    sts = as_key(daemon, "sts", second["AccessKeyId"], second["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"].endswith("user/rotating")
    assert iam.get_access_key_last_used(AccessKeyId=second["AccessKeyId"])["AccessKeyLastUsed"][
        "ServiceName"] == "sts"
    iam.update_access_key(UserName="rotating", AccessKeyId=second["AccessKeyId"], Status="Inactive")
    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="rotating", AccessKeyId=second["AccessKeyId"], Status="Active")
    sts.get_caller_identity()
    iam.delete_access_key(UserName="rotating", AccessKeyId=second["AccessKeyId"])
    assert code_of(sts.get_caller_identity) == "InvalidClientTokenId"
    assert [key["AccessKeyId"] for key in iam.list_access_keys(UserName="rotating")[
        "AccessKeyMetadata"]] == [key["AccessKeyId"] for key in listed]


def test_the_very_next_call_sees_a_change(iam, user):
    """Whatever was allowed before, and however often."""
    control = user("next-call", policy(allow("bedrock-agentcore:*")))("bedrock-agentcore-control")

    def is_allowed():
        try:
            control.list_memories()
            return True
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDeniedException"
            return False

    def put(*statements):
        iam.put_user_policy(UserName="next-call", PolicyName="inline",
                            PolicyDocument=policy(*statements))

    for _ in range(10):
        assert is_allowed() and is_allowed()
        iam.delete_user_policy(UserName="next-call", PolicyName="inline")
        assert not is_allowed()
        iam.attach_user_policy(UserName="next-call",
                               PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        assert is_allowed() and is_allowed()
        put(deny("bedrock-agentcore:*"))
        assert not is_allowed()
        iam.detach_user_policy(UserName="next-call",
                               PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        put(allow("bedrock-agentcore:*"))
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    put(allow("bedrock-agentcore:*", Condition={
        "DateLessThan": {"aws:CurrentTime": end.strftime("%Y-%m-%dT%H:%M:%SZ")}}))
    assert is_allowed()
    while datetime.datetime.now(datetime.timezone.utc) < end:
        assert is_allowed() or datetime.datetime.now(datetime.timezone.utc) >= end.replace(
            microsecond=0)
    assert not is_allowed(), "nothing was changed, but its time is over"


def test_a_role_is_assumed_and_its_session_limited(daemon, iam):
    role = iam.create_role(RoleName="limited", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}),
                           Description="for tests", Tags=[{"Key": "team", "Value": "a"}])["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": ACCOUNT}
    iam.put_role_policy(RoleName="limited", PolicyName="read",
                        PolicyDocument=policy(allow("bedrock-agentcore:*Memor*")))
    sts = daemon.client("sts")
    assumed = sts.assume_role(
        RoleArn=role["Arn"], RoleSessionName="job-1", DurationSeconds=900,
        Policy=policy(allow("bedrock-agentcore:ListMemories")))
    left = assumed["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert 880 < left.total_seconds() <= 900
    client = with_credentials(daemon, "bedrock-agentcore-control", assumed["Credentials"])
    client.list_memories()
    assert code_of(client.create_memory, name="never",
                   eventExpiryDuration=7) == "AccessDeniedException"
    arn = with_credentials(daemon, "sts", assumed["Credentials"]).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/limited/job-1"
    changed = dict(assumed["Credentials"], SessionToken=assumed["Credentials"]["SessionToken"][:-8])
    assert code_of(with_credentials(daemon, "sts", changed).get_caller_identity) == \
        "InvalidClientTokenId"
    token = sts.get_session_token()["Credentials"]
    assert with_credentials(daemon, "s3", token).list_buckets()["Buckets"] is not None
    iam.delete_role_policy(RoleName="limited", PolicyName="read")
    assert code_of(client.list_memories) == "AccessDeniedException"
    iam.delete_role(RoleName="limited")


def test_presigned_urls_of_a_session_work_and_end_with_it(daemon, iam):
    import urllib.error
    import urllib.request
    s3 = daemon.client("s3")
    s3.create_bucket(Bucket="presigned-access",
                     CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="presigned-access", Key="k", Body=b"content")
    token = daemon.client("sts").get_session_token()["Credentials"]
    mine = boto3.client(
        "s3", endpoint_url=daemon.endpoint, region_name=REGION,
        aws_access_key_id=token["AccessKeyId"], aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    url = mine.generate_presigned_url("get_object", {"Bucket": "presigned-access", "Key": "k"}, 60)
    assert urllib.request.urlopen(url).read() == b"content"
    for bad in (url.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=A"),
                url.replace("/k?", "/other?"), url.replace("Expires=60", "Expires=600")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(bad)
        assert caught.value.code == 403


def test_a_role_that_may_not_be_passed_cannot_be_borrowed(daemon, iam, user):
    of = user("deployer", policy(allow("bedrock-agentcore:*"), allow("s3:*")))
    with pytest.raises(ClientError) as caught:
        of("bedrock-agentcore-control").create_agent_runtime(
            agentRuntimeName="borrowed", roleArn=f"arn:aws:iam::{ACCOUNT}:role/admin",
            agentRuntimeArtifact={"codeConfiguration": {
                "code": {"s3": {"bucket": "any", "prefix": "code.zip"}},
                "runtime": "PYTHON_3_12", "entryPoint": ["main.py"]}},
            networkConfiguration={"networkMode": "PUBLIC"})
    assert "iam:PassRole" in caught.value.response["Error"]["Message"]


def test_managed_policies_have_versions(iam):
    arn = iam.create_policy(PolicyName="versioned",
                            PolicyDocument=policy(allow("s3:GetObject")))["Policy"]["Arn"]
    assert code_of(iam.create_policy, PolicyName="Versioned",
                   PolicyDocument=policy(allow("s3:*"))) == "EntityAlreadyExists"
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(deny("s3:*")), SetAsDefault=True)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [
        ("v2", True), ("v1", False)]
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "s3:GetObject"
    assert code_of(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    listed = [p["Arn"] for page in iam.get_paginator("list_policies").paginate(
        Scope="Local", PaginationConfig={"PageSize": 1}) for p in page["Policies"]]
    assert arn in listed
    iam.delete_policy(PolicyArn=arn)
    assert code_of(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_groups_and_boundaries_count(iam, user):
    of = user("member")
    iam.create_group(GroupName="team")
    iam.attach_group_policy(GroupName="team", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.add_user_to_group(GroupName="team", UserName="member")
    of("s3").list_buckets()
    assert [u["UserName"] for u in iam.get_group(GroupName="team")["Users"]] == ["member"]
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=policy(allow("iam:*")))["Policy"]
    iam.put_user_permissions_boundary(UserName="member", PermissionsBoundary=boundary["Arn"])
    assert code_of(of("s3").list_buckets) == "AccessDenied"
    of("iam").list_users()
    iam.delete_user_permissions_boundary(UserName="member")
    iam.remove_user_from_group(GroupName="team", UserName="member")
    iam.detach_group_policy(GroupName="team", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_group(GroupName="team")
    iam.delete_policy(PolicyArn=boundary["Arn"])


@pytest.mark.parametrize("document, place", [
    ("{", "line 1"),
    (policy({"Effect": "Allow", "Action": "s3:*"}), "Statement[0]"),
    (policy(allow("s3:*"), {"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}),
     "Statement[1].Effect"),
    ("[" * 5000, "line 1"),
])
def test_malformed_policies_are_named(iam, document, place):
    with pytest.raises(ClientError) as caught:
        iam.create_policy(PolicyName="malformed", PolicyDocument=document)
    error = caught.value.response["Error"]
    assert error["Code"] == "MalformedPolicyDocument" and place in error["Message"]


def test_simulation_says_why(iam, user):
    user("simulated", policy(allow("s3:Get*"), deny("s3:GetObject", "arn:aws:s3:::b/secret")))
    answer = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/simulated",
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/k", "arn:aws:s3:::b/secret"])
    said = {(r["EvalActionName"], r["EvalResourceName"]): r for r in answer["EvaluationResults"]}
    assert said["s3:GetObject", "arn:aws:s3:::b/k"]["EvalDecision"] == "allowed"
    secret = said["s3:GetObject", "arn:aws:s3:::b/secret"]
    assert secret["EvalDecision"] == "explicitDeny"
    assert secret["MatchedStatements"][0]["SourcePolicyId"] == "user_simulated_inline"
    assert said["s3:PutObject", "arn:aws:s3:::b/k"]["EvalDecision"] == "implicitDeny"


def test_what_the_toolkit_does(daemon, iam):
    """create_or_get roles and policies of the starter toolkit's gateway."""
    assert daemon.client("sts").get_caller_identity()["Account"] == ACCOUNT
    document = trust({"Service": "bedrock-agentcore.amazonaws.com"})
    role = iam.create_role(RoleName="AgentCoreGatewayExecutionRole",
                           AssumeRolePolicyDocument=document)["Role"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="AgentCoreGatewayExecutionRole", AssumeRolePolicyDocument=document)
    assert iam.get_role(RoleName="AgentCoreGatewayExecutionRole")["Role"]["Arn"] == role["Arn"]
    made = iam.create_policy(PolicyName="BedrockAgentPolicy",
                             PolicyDocument=policy(allow("bedrock-agentcore:*")))["Policy"]["Arn"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_policy(PolicyName="BedrockAgentPolicy", PolicyDocument=policy(allow("s3:*")))
    arns = [made, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess",
            "arn:aws:iam::aws:policy/service-role/NobodyKnowsThisOne"]
    for arn in arns:
        iam.attach_role_policy(RoleName="AgentCoreGatewayExecutionRole", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="AgentCoreGatewayExecutionRole")
    assert sorted(p["PolicyArn"] for p in attached["AttachedPolicies"]) == sorted(arns)
    assert code_of(iam.delete_role, RoleName="AgentCoreGatewayExecutionRole") == "DeleteConflict"
    for arn in arns:
        iam.detach_role_policy(RoleName="AgentCoreGatewayExecutionRole", PolicyArn=arn)
    iam.delete_role(RoleName="AgentCoreGatewayExecutionRole")
    iam.delete_policy(PolicyArn=made)


def test_identities_survive_kill_9(fresh_daemon):
    iam = fresh_daemon.client("iam")
    iam.create_user(UserName="durable")
    key = iam.create_access_key(UserName="durable")["AccessKey"]
    token = fresh_daemon.client("sts").get_session_token()["Credentials"]
    fresh_daemon.kill9()
    fresh_daemon.start()
    sts = as_key(fresh_daemon, "sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"].endswith(":user/durable")
    assert with_credentials(fresh_daemon, "sts", token).get_caller_identity()["Account"] == ACCOUNT


def test_no_secret_of_a_key_is_in_the_data_folder(fresh_daemon):
    iam = fresh_daemon.client("iam")
    secrets = []
    for number in range(20):
        iam.create_user(UserName=f"user-{number}")
        secrets.append(iam.create_access_key(UserName=f"user-{number}")["AccessKey"][
            "SecretAccessKey"].encode())
    fresh_daemon.kill9()
    for path in [*fresh_daemon.data_dir.rglob("*"), fresh_daemon.log_path]:
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret in content], path
    fresh_daemon.start()
    fresh_daemon.client("sts").get_caller_identity()


def test_decisions_hold_under_concurrency(daemon, user):
    of = {name: user(name, policy(allow("s3:GetObject", f"arn:aws:s3:::shared-access/{name}/*")))
          ("s3") for name in ("ann", "ben", "cyd")}
    s3 = daemon.client("s3")
    s3.create_bucket(Bucket="shared-access",
                     CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in of:
        s3.put_object(Bucket="shared-access", Key=f"{name}/k", Body=name.encode())

    def try_all(name):
        for other in of:
            if other == name:
                assert of[name].get_object(Bucket="shared-access", Key=f"{name}/k")[
                    "Body"].read() == name.encode()
            else:
                assert code_of(of[name].get_object, Bucket="shared-access",
                               Key=f"{other}/k") == "AccessDenied"

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(try_all, name) for name in [*of] * 20]:
            done.result()
