"""The daemon behind its own certificate: stock boto3 over HTTPS."""
import json
import os
import ssl
import subprocess

import boto3
import botocore.exceptions
import pytest

import agents
import models_config
from conftest import served
from daemon import REGION, ROOT
from test_model_providers import openai_answer, provider, say, text_of


@pytest.fixture
def certificate(tmp_path):
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def test_boto3_speaks_https_and_refuses_what_it_cannot_verify(certificate, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"tls: {{certificate: {certificate[0]}, key: {certificate[1]}}}\n")
    with served(arguments=["--config", config]) as daemon:
        assert daemon.endpoint.startswith("https://127.0.0.1:")

        def client(service, verify):
            return boto3.client(service, endpoint_url=daemon.endpoint, region_name=REGION,
                                verify=verify,
                                aws_access_key_id=daemon.env["AWS_ACCESS_KEY_ID"],
                                aws_secret_access_key=daemon.env["AWS_SECRET_ACCESS_KEY"])

        trusted = str(certificate[0])
        control = client("bedrock-agentcore-control", trusted)
        assert control.list_agent_runtimes()["agentRuntimes"] == []
        objects = client("s3", trusted)
        objects.create_bucket(Bucket="over-tls",
                              CreateBucketConfiguration={"LocationConstraint": REGION})
        content = os.urandom(3_000_000)
        objects.put_object(Bucket="over-tls", Key="k", Body=content)
        assert objects.get_object(Bucket="over-tls", Key="k")["Body"].read() == content
        with pytest.raises(botocore.exceptions.SSLError):
            client("sts", True).get_caller_identity()


def test_the_javascript_client_of_bedrock_speaks_http2(certificate, tmp_path):
    config = models_config.write(tmp_path)
    settings = json.loads(config.read_text())
    settings["tls"] = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    config.write_text(json.dumps(settings))
    with served(arguments=["--config", config]) as daemon:
        given = json.dumps({"unbuilt": agents.unbuilt_operation()})
        done = subprocess.run(
            [ROOT / "build/venv/bin/node", ROOT / "tests/conformance/js/models.mjs"],
            env={**daemon.command_environment(), "GIVEN": given,
                 "NODE_EXTRA_CA_CERTS": str(certificate[0])},
            text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, done.stderr + done.stdout


def test_servers_are_verified_by_the_systems_authorities(certificate, tmp_path):
    with provider(openai_answer) as upstream:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
        config = tmp_path / "config.yaml"
        config.write_text(json.dumps({"models": {"default": "far/x", "providers": {"far": {
            "kind": "openai", "url": upstream.url.replace("http:", "https:") + "/v1"}}}}))
        for authorities, is_trusted in [(certificate[0], True), (None, False)]:
            environment = {"SSL_CERT_FILE": str(authorities)} if authorities else None
            with served(arguments=["--config", config], environment=environment) as daemon:
                if is_trusted:
                    assert text_of(say(daemon)) == "Hello"
                else:
                    with pytest.raises(botocore.exceptions.ClientError, match="certificate"):
                        say(daemon)


def test_clients_choose_between_http_1_and_2(certificate, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"tls: {{certificate: {certificate[0]}, key: {certificate[1]}}}\n")
    with served(arguments=["--config", config]) as daemon:
        for flag, version in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")]:
            seen = subprocess.run(
                ["curl", "-sS", flag, "--cacert", certificate[0], "-o", os.devnull,
                 "-w", "%{http_version} %{http_code}", daemon.endpoint + "/healthz"],
                check=True, capture_output=True, text=True).stdout
            assert seen == f"{version} 200"


def test_a_key_without_its_certificate_stops_the_start(certificate, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"tls: {{key: {certificate[1]}}}\n")
    with pytest.raises(RuntimeError, match="tls.certificate and tls.key go together"):
        with served(arguments=["--config", config]):
            pass
