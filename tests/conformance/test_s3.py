"""The S3 front with stock boto3 and the AWS CLI."""
import io
import itertools
import os
import re
import subprocess
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from daemon import ROOT

AWS = ROOT / "build/venv/bin/aws"
MIB = 1 << 20
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3(daemon):
    return daemon.client("s3", signature_version="s3v4")


@pytest.fixture
def bucket(s3, request):
    name = "t-" + re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name += f"-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    return name


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]["Code"]


def test_bucket(s3, bucket):
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-west-2"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "us-west-2"
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    again = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
    assert error_of(s3.create_bucket, Bucket=bucket, **again) == "BucketAlreadyOwnedByYou"
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert error_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert error_of(s3.head_bucket, Bucket=bucket) == "404"
    assert error_of(s3.list_objects_v2, Bucket=bucket) == "NoSuchBucket"


def test_what_deployment_tools_configure(s3, bucket):
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""},
              "Expiration": {"Days": 7}}]
    missing = error_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert missing == "NoSuchLifecycleConfiguration"
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}, ExpectedBucketOwner="000000000000")
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
             "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    assert error_of(s3.get_bucket_policy, Bucket=bucket) == "NotImplemented"
    assert error_of(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="1" * 12) == "403"


@pytest.mark.parametrize("key", ["plain", "a b+c/ü &<>\"'", "//x//", "100%", "dot/../x"])
def test_object(s3, bucket, key):
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"hello", ContentType="text/plain",
                        Metadata={"a": "b"}, CacheControl="no-cache")
    got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello"
    assert (got["ContentType"], got["Metadata"], got["CacheControl"]) == (
        "text/plain", {"a": "b"}, "no-cache")
    assert got["ETag"] == put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"] == "NhCmhg=="
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 5
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=key)
    assert error_of(s3.get_object, Bucket=bucket, Key=key) == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "b"}


def test_ranges_and_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert (got["Body"].read(), got["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert error_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-") == "InvalidRange"
    assert error_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert error_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"x"') == "PreconditionFailed"
    assert error_of(s3.put_object, Bucket=bucket, Key="k", IfNoneMatch="*") == "PreconditionFailed"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    body = os.urandom(300_000)
    s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == body
    wrong = {f"Checksum{algorithm}": "AAAAAA=="}
    assert error_of(s3.put_object, Bucket=bucket, Key="bad", Body=body, **wrong) == "BadDigest"
    assert error_of(s3.get_object, Bucket=bucket, Key="bad") == "NoSuchKey"


def test_a_large_file_goes_up_and_down_in_parts(s3, bucket):
    body = os.urandom(30 * MIB + 17)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", ExtraArgs={"ContentType": "a/b"})
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ETag"].endswith('-4"') and head["ContentType"] == "a/b"
    down = io.BytesIO()
    s3.download_fileobj(bucket, "big", down)
    assert down.getvalue() == body
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "big2")
    assert s3.get_object(Bucket=bucket, Key="big2")["Body"].read() == body
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_upload_is_listed_and_aborted(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    names = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    part = s3.upload_part(**names, PartNumber=3, Body=b"x")
    assert [p["PartNumber"] for p in s3.list_parts(**names)["Parts"]] == [3]
    wrong = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert error_of(s3.complete_multipart_upload, **names, MultipartUpload=wrong) == "InvalidPart"
    s3.abort_multipart_upload(**names)
    assert error_of(s3.list_parts, **names) == "NoSuchUpload"


def test_lists_page_and_fold(s3, bucket):
    for i in range(25):
        s3.put_object(Bucket=bucket, Key=f"{i % 5}/{i:02}", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 7})
    keys = [o["Key"] for page in pages for o in page["Contents"]]
    assert keys == sorted(keys) and len(keys) == 25
    pages = s3.get_paginator("list_objects").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
    folded = [p["Prefix"] for page in pages for p in page["CommonPrefixes"]]
    assert folded == [f"{i}/" for i in range(5)]
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys]})
    assert len(gone["Deleted"]) == 25
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_presigned_urls(s3, bucket):
    names = {"Bucket": bucket, "Key": "a b"}
    put = urllib.request.Request(s3.generate_presigned_url("put_object", names), b"x", method="PUT")
    assert urllib.request.urlopen(put).status == 200
    get = s3.generate_presigned_url("get_object", names)
    assert urllib.request.urlopen(get).read() == b"x"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(get.replace("a%20b", "a%20c"))
    assert refused.value.code == 403
    assert b"SignatureDoesNotMatch" in refused.value.read()


def test_objects_survive_kill_9(fresh_daemon):
    s3 = fresh_daemon.client("s3")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="kept", Key="k", Body=b"bytes")
    fresh_daemon.kill9()
    fresh_daemon.start()
    assert fresh_daemon.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"bytes"


def test_aws_cli(daemon, tmp_path):
    def aws(*arguments):
        done = subprocess.run([AWS, "s3", *map(str, arguments)], env=daemon.command_environment(),
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    up, down = tmp_path / "up", tmp_path / "down"
    up.write_bytes(os.urandom(20 * MIB))
    aws("mb", "s3://t-aws-cli")
    aws("cp", up, "s3://t-aws-cli/x/file", "--no-progress")
    assert str(up.stat().st_size) in aws("ls", "s3://t-aws-cli/x/")
    aws("mv", "s3://t-aws-cli/x/file", "s3://t-aws-cli/y/file", "--no-progress")
    aws("cp", "s3://t-aws-cli/y/file", down, "--no-progress")
    assert down.read_bytes() == up.read_bytes()
    aws("sync", tmp_path, "s3://t-aws-cli/sync", "--no-progress")
    aws("rb", "s3://t-aws-cli", "--force")
