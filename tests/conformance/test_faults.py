"""Crashes of the daemon and of its disk: what was acknowledged is there afterwards."""
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import threading
import time
import uuid

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import agents
from conftest import served
from daemon import Daemon, eventually, is_alive

ROUNDS = 5


class Load:
    """Clients that create and delete, and remember what was acknowledged."""

    def __init__(self, daemon, artifact):
        self.daemon = daemon
        self.artifact = artifact
        self.objects = {}  # key -> SHA-256
        self.deleted_objects = set()
        self.runtimes = set()
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(work,))
                        for work in (self._put, self._put, self._create, self._delete)]
        for thread in self.threads:
            thread.start()

    def has_begun(self):
        return self.objects and self.runtimes

    def _run(self, work):
        clients = (self.daemon.client("s3"), self.daemon.client("bedrock-agentcore-control"))
        while not self.ending.is_set():
            try:
                work(*clients)
            except (BotoCoreError, ClientError):
                if not self.daemon.running():
                    return

    def _put(self, s3, _):
        body = os.urandom(random.randrange(1, 200_000))
        key = f"load/{uuid.uuid4()}"
        s3.put_object(Bucket=agents.BUCKET, Key=key, Body=body)
        with self.lock:
            self.objects[key] = hashlib.sha256(body).digest()

    def _create(self, _, control):
        created = control.create_agent_runtime(
            agentRuntimeName=f"load_{uuid.uuid4().hex[:20]}", agentRuntimeArtifact=self.artifact,
            roleArn=agents.ROLE, networkConfiguration={"networkMode": "PUBLIC"})
        with self.lock:
            self.runtimes.add(created["agentRuntimeId"])

    def _delete(self, s3, _):
        time.sleep(0.02)
        with self.lock:
            if len(self.objects) < 5:
                return
            key = next(iter(self.objects))
            del self.objects[key]
        try:
            s3.delete_object(Bucket=agents.BUCKET, Key=key)
        except BaseException:
            return  # not acknowledged: it may be there or not
        with self.lock:
            self.deleted_objects.add(key)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


def test_kill_at_any_moment_loses_nothing_acknowledged(fresh_daemon):
    daemon = fresh_daemon
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    artifact = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
    loads = []
    for _ in range(ROUNDS):
        load = Load(daemon, artifact)
        loads.append(load)
        assert eventually(load.has_begun, 30)
        time.sleep(chance.uniform(0, 1))
        daemon.kill9()
        load.end()
        daemon.start()
    check_objects(daemon, loads)
    check_runtimes(daemon, loads)


def check_objects(daemon, loads):
    s3 = daemon.client("s3")
    for load in loads:
        for key, digest in load.objects.items():
            body = s3.get_object(Bucket=agents.BUCKET, Key=key)["Body"].read()
            assert hashlib.sha256(body).digest() == digest, key
    listed = {item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(
        Bucket=agents.BUCKET) for item in page.get("Contents", [])}
    for load in loads:
        assert set(load.objects) <= listed
        assert not load.deleted_objects & listed, "deleted, acknowledged, and back"


def check_runtimes(daemon, loads):
    control = daemon.client("bedrock-agentcore-control")
    for load in loads:
        for identifier in load.runtimes:
            found = control.get_agent_runtime(agentRuntimeId=identifier)
            runtime = agents.Runtime(daemon, found)
            assert runtime.wait()["status"] == "READY", "a build that was cut off is taken up"
    assert runtime.invoke({"do": "echo"})["echo"]


def test_no_sandbox_outlives_its_daemon(fresh_daemon):
    daemon = fresh_daemon
    runtime = agents.deploy(daemon, agents.PUPPET_FILES)
    sessions = [agents.session_id() for _ in range(4)]
    for session in sessions:
        runtime.invoke({"do": "look"}, session)
    pids = daemon.descendants()
    assert len(pids) > len(sessions)
    daemon.kill9()
    assert eventually(lambda: not any(map(is_alive, pids))), daemon.leftovers(pids)
    daemon.start()
    assert eventually(lambda: not [
        left for left in daemon.leftovers(pids) if left.startswith(("process", "mount"))])
    assert runtime_again(daemon, runtime).invoke({"do": "recall"}, sessions[0])["values"] == {}


def runtime_again(daemon, runtime):
    """The same runtime, through clients that know the new port."""
    return agents.Runtime(daemon, {"agentRuntimeId": runtime.id, "agentRuntimeArn": runtime.arn})


def test_a_restart_keeps_runtimes_and_their_environments(fresh_daemon):
    runtime = agents.deploy(fresh_daemon, agents.PUPPET_FILES, tags={"a": "1"})
    fresh_daemon.restart()
    runtime = runtime_again(fresh_daemon, runtime)
    assert runtime.get()["status"] == "READY"
    assert runtime.control.list_tags_for_resource(resourceArn=runtime.arn)["tags"] == {"a": "1"}
    assert runtime.invoke({"do": "echo"})["echo"]


def test_sigterm_in_the_moment_of_the_ready_line_is_a_clean_end(tmp_path):
    for _ in range(5):
        with served(data_dir=tmp_path / "data"):
            pass


def test_a_second_daemon_on_the_same_folder_is_refused(fresh_daemon):
    second = Daemon(data_dir=fresh_daemon.data_dir)
    with pytest.raises(RuntimeError):
        second.start()
    second.remove()
    fresh_daemon.client("sts").get_caller_identity()


@contextlib.contextmanager
def small_disk(folder, mebibytes):
    folder.mkdir(parents=True)
    size = f"size={mebibytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "small", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def enlarge(folder, mebibytes):
    subprocess.run(["mount", "-o", f"remount,size={mebibytes}m", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, which takes root")
def test_a_full_disk_fails_clearly_and_loses_nothing(tmp_path):
    with small_disk(tmp_path / "data", 48), served(data_dir=tmp_path / "data") as daemon:
        artifact = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
        s3 = daemon.client("s3")
        stored, refused = {}, None
        for number in range(400):
            body = os.urandom(512 << 10)
            try:
                s3.put_object(Bucket=agents.BUCKET, Key=f"fill/{number}", Body=body)
                stored[f"fill/{number}"] = body
            except ClientError as error:
                refused = error
                break
        assert refused is not None, "the disk never filled"
        assert refused.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        assert daemon.running()

        fill_with_rows(daemon, artifact)
        check_stored(s3, stored)
        daemon.restart()
        s3 = daemon.client("s3")
        check_stored(s3, stored)

        enlarge(tmp_path / "data", 256)
        s3.put_object(Bucket=agents.BUCKET, Key="after", Body=b"room again")
        stored["after"] = b"room again"
        runtime = agents.deploy(daemon, agents.PUPPET_FILES, name="after_room")
        assert runtime.invoke({"do": "echo"})["echo"]
        check_stored(s3, stored)


def fill_with_rows(daemon, artifact):
    """Rows are smaller than objects: some may still fit; what does not must say so."""
    control = daemon.client("bedrock-agentcore-control")
    for number in range(50):
        try:
            created = control.create_agent_runtime(
                agentRuntimeName=f"full_{number}", agentRuntimeArtifact=artifact,
                roleArn=agents.ROLE, networkConfiguration={"networkMode": "PUBLIC"},
                description="x" * 4000)
            assert control.get_agent_runtime(agentRuntimeId=created["agentRuntimeId"])
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500, error
            return


def check_stored(s3, stored):
    for key, body in stored.items():
        assert s3.get_object(Bucket=agents.BUCKET, Key=key)["Body"].read() == body, key


def test_a_daemon_that_lost_its_launcher_ends_and_says_why():
    """It could run nothing any more; whoever supervises it starts it anew."""
    daemon = Daemon().start()
    try:
        pids = set(daemon.descendants())
        launcher = next(pid for pid in pids if parent_of(pid) == daemon.pid)
        os.kill(launcher, signal.SIGKILL)
        assert daemon.process.wait(20) == 1
        daemon.process.stdout.close()
        assert "launcher ended" in daemon.log_tail()
        assert eventually(lambda: not any(is_alive(pid) for pid in pids), 5)
        daemon.start()
        pids |= set(daemon.descendants())
        assert daemon.stop() == 0
        assert eventually(lambda: not daemon.leftovers(pids), 5), daemon.leftovers(pids)
    finally:
        daemon.remove()


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])
