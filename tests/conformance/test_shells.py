"""Interactive shells in sessions: the AgentCore SDK's own ShellSession against the daemon."""
import asyncio
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import urllib.parse

import boto3
import pytest
import websockets
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from bedrock_agentcore.runtime.shell import (OAuthAuth, PresignedAuth, ReconnectConfig,
                                             ShellChannel)
from bedrock_agentcore.runtime.shell import session as sdk_session

import agents
import issuer
from conftest import served
from daemon import REGION, eventually, program

SECONDS_MAX = 30


@pytest.fixture(autouse=True)
def reach(monkeypatch, request):
    """The SDK builds AWS's URL and signs it; only where the connection goes is changed."""
    real = websockets.connect
    where = {"port": request.getfixturevalue("daemon").port}

    def connect(url, **arguments):
        return real(url.replace("wss://", "ws://"), host="127.0.0.1", port=where["port"],
                    **arguments)

    monkeypatch.setattr(sdk_session.websockets, "connect", connect)
    return where


def client_of(daemon):
    return AgentCoreRuntimeClient(region=REGION, session=boto3.session.Session(
        daemon.env["AWS_ACCESS_KEY_ID"], daemon.env["AWS_SECRET_ACCESS_KEY"], region_name=REGION))


@pytest.fixture
def client(daemon):
    return client_of(daemon)


def run(work):
    return asyncio.run(asyncio.wait_for(work, SECONDS_MAX))


class Screen:
    """What has come on stdout; reads more when asked for what is not there yet."""

    def __init__(self, shell):
        self.shell, self.text, self.statuses, self.other = shell, "", [], []

    async def until(self, wanted):
        while not re.search(wanted, self.text):
            await self.one()
        return self.text

    async def one(self):
        frame = await self.shell.__anext__()
        if frame.channel == ShellChannel.STDOUT:
            self.text += frame.text
        elif frame.channel == ShellChannel.STATUS:
            self.statuses.append(frame.json())
        else:
            self.other.append(frame)

    async def rest(self):
        try:
            while True:
                await self.one()
        except StopAsyncIteration:
            return self.text


def test_a_shell_is_a_terminal_in_the_session_of_the_agent(puppet, client):
    async def work():
        session = agents.session_id()
        async with client.open_shell(puppet.arn, session_id=session, shell_id="mine") as shell:
            assert (shell.shell_id, shell.session_id) == ("mine", session)
            screen = Screen(shell)
            await shell.resize(132, 43)
            await shell.send("stty size; tty; echo at=$PWD:$TERM; echo x > /work/note\n")
            text = await screen.until(r"at=/")
            assert "43 132" in text and "/dev/pts/" in text
            assert "at=/var/task:xterm-256color" in text
            assert puppet.invoke({"do": "read", "path": "/work/note"}, session) == {"text": "x\n"}
            await shell.send("sleep 1000\n")
            await screen.until("sleep 1000")
            await asyncio.sleep(0.3)
            await shell.send_bytes(b"\x03")  # the terminal makes a signal of it
            await shell.send("echo code=$?; exit 7\n")
            text = await screen.rest()
            assert "code=130" in text
            assert shell.exit_code == 7
            assert screen.statuses[-1]["details"]["causes"] == [
                {"reason": "ExitCode", "message": "7"}]
    run(work())


def test_a_shell_that_ends_well_or_by_a_signal_says_so(puppet, client):
    async def work():
        session = agents.session_id()
        async with client.open_shell(puppet.arn, session_id=session) as shell:
            await shell.send("exit\n")
            await Screen(shell).rest()
            assert shell.exit_code == 0
        async with client.open_shell(puppet.arn, session_id=session) as shell:
            screen = Screen(shell)
            await shell.send("kill -9 $$\n")
            await screen.rest()
            assert shell.exit_code == 137
            assert {"reason": "Signal", "message": "9"} in screen.statuses[-1]["details"]["causes"]
    run(work())


def test_who_reconnects_finds_the_shell_and_what_it_wrote_meanwhile(puppet, client):
    async def work():
        session, name = agents.session_id(), "kept"
        async with client.open_shell(puppet.arn, session_id=session, shell_id=name) as shell:
            await shell.send("cd /tmp; X=42; echo before\n")
            await Screen(shell).until(r"\nbefore|before\r\n")
            await shell.send("(sleep 0.3; echo mean; echo while) &\n")
        await asyncio.sleep(1)
        async with client.open_shell(puppet.arn, session_id=session, shell_id=name) as shell:
            screen = Screen(shell)
            text = await screen.until("while")
            assert "before" in text and "mean" in text
            await shell.send("echo $PWD-$X\n")
            await screen.until("/tmp-42")
    run(work())


def test_the_sdk_reconnects_by_itself(puppet, client):
    async def work():
        again = []
        config = ReconnectConfig(base_delay=0.05, on_reconnect=lambda: again.append(1))
        async with client.open_shell(puppet.arn, session_id=agents.session_id(),
                                     reconnect_config=config) as shell:
            await shell.send("echo one\n")
            screen = Screen(shell)
            await screen.until("one\r\n")
            shell._ws.transport.abort()  # as a network does
            screen.text = ""
            await screen.until("one")  # replayed
            assert again == [1]
            await shell.send("echo two\n")
            await screen.until("two\r\n")
    run(work())


def test_the_newest_connection_takes_over(puppet, client):
    async def work():
        session = agents.session_id()
        async with client.open_shell(puppet.arn, session_id=session, shell_id="one") as first:
            await first.send("echo here\n")
            await Screen(first).until("here\r\n")
            async with client.open_shell(puppet.arn, session_id=session, shell_id="one") as second:
                await Screen(first).rest()
                assert first.kicked
                screen = Screen(second)
                await second.send("echo still-$((40 + 2))\n")
                await screen.until("still-42")
    run(work())


async def raw(daemon, client, puppet, session, shell="raw", presigned=False):
    url, headers = client.connect_shell(puppet.arn, session_id=session, shell_id=shell)
    del headers["Host"]
    return await websockets.connect(url, additional_headers=headers, max_size=None)


def test_the_replay_is_bounded_and_frames_are(daemon, puppet, client):
    async def work():
        session = agents.session_id()
        async with await raw(daemon, client, puppet, session) as ws:
            assert json.loads((await ws.recv())[1:])["metadata"] == {
                "shellId": "raw", "reconnected": False}
            await ws.send(b"\x00stty -echo; seq 1 200000; echo do''ne\n")
            text = b""
            while b"done" not in text:
                frame = await ws.recv()
                assert frame[0] == 1 and len(frame) <= 65536
                text += frame[1:]
            plain = re.sub(r"\x1b\[[?0-9;]*[a-z]\r?", "", text.decode())  # bash's own
            lines = [line for line in plain.split("\r\n") if line.isdigit()]
            assert lines == [str(n) for n in range(1, 200_001)]
        async with await raw(daemon, client, puppet, session) as ws:
            assert json.loads((await ws.recv())[1:])["metadata"]["reconnected"] is True
            await ws.send(b"\x00echo e''nd\n")
            text = b""
            while b"end" not in text:
                text += (await ws.recv())[1:]
            assert 200_000 < len(text) < 300_000
            assert "200000" in text.decode()
    run(work())


def test_heartbeats_pings_and_bad_resizes_are_answered(daemon, puppet, client):
    async def work():
        async with await raw(daemon, client, puppet, agents.session_id()) as ws:
            await ws.recv()
            await ws.send(b"\x05")
            await ws.send(b"\x04{\"width\": 0}")
            await (await ws.ping())
            seen = []
            while len(seen) < 2:
                frame = await ws.recv()
                if frame[0] != 1:
                    seen.append(frame)
            assert seen[0] == b"\x05"
            assert seen[1][0] == 2 and b"width" in seen[1]
            await ws.send(b"\x77unknown")
            await ws.send(b"\x00exit 3\n")
            with pytest.raises(websockets.exceptions.ConnectionClosedOK):
                while True:
                    await ws.recv()
    run(work())


@pytest.mark.parametrize("sent, code", [(b"\x00" + b"x" * 65536, 1009), ("text", 1003)])
def test_what_is_not_of_the_protocol_closes_the_connection(daemon, puppet, client, sent, code):
    async def work():
        session = agents.session_id()
        async with await raw(daemon, client, puppet, session) as ws:
            await ws.recv()
            await ws.send(sent)
            with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
                while True:
                    await ws.recv()
            assert closed.value.rcvd.code == code
        async with await raw(daemon, client, puppet, session) as ws:  # the shell is still there
            assert json.loads((await ws.recv())[1:])["metadata"]["reconnected"] is True
    run(work())


def test_the_close_channel_ends_the_shell(daemon, puppet, client):
    async def work():
        session = agents.session_id()
        async with await raw(daemon, client, puppet, session) as ws:
            await ws.recv()
            await ws.send(b"\xff")
            with pytest.raises(websockets.exceptions.ConnectionClosedOK):
                while True:
                    await ws.recv()
        async with await raw(daemon, client, puppet, session) as ws:
            assert json.loads((await ws.recv())[1:])["metadata"]["reconnected"] is False
    run(work())


def test_a_session_that_ends_takes_its_shells_along(puppet, client):
    async def work():
        session = agents.session_id()
        async with client.open_shell(puppet.arn, session_id=session) as shell:
            await shell.send("echo up\n")
            screen = Screen(shell)
            await screen.until("up\r\n")
            await asyncio.to_thread(puppet.stop, session)
            await screen.rest()
            assert shell.exit_code is None and not shell.kicked
    run(work())


def test_a_runtime_has_at_most_ten_shells(deployed, client):
    runtime = deployed(agents.PUPPET_FILES, name="ten_shells")

    async def work():
        session = agents.session_id()
        shells = [client.open_shell(runtime.arn, session_id=session) for _ in range(10)]
        for shell in shells:
            await shell.__aenter__()
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            await client.open_shell(runtime.arn, session_id=agents.session_id()).__aenter__()
        assert refused.value.response.status_code == 402
        assert "10 shells" in json.loads(refused.value.response.body)["message"]
        await shells[0].send("exit\n")
        await Screen(shells[0]).rest()
        async with client.open_shell(runtime.arn, session_id=session):
            pass
        for shell in shells:
            await shell.close()
    run(work())


def test_presigned_urls_open_shells(puppet, client):
    async def work():
        async with client.open_shell(puppet.arn, auth=PresignedAuth(expires=60)) as shell:
            await shell.send("echo pre''signed\n")
            await Screen(shell).until("presigned")
    run(work())


def test_bad_callers_are_refused(daemon, puppet, client):
    async def refusal(url, headers):
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            await websockets.connect(url, additional_headers=headers)
        return refused.value.response.status_code

    async def work():
        url, headers = client.connect_shell(puppet.arn, shell_id="x")
        del headers["Host"]
        assert await refusal(url, {}) == 403
        assert await refusal(url + "y", headers) == 403  # another shell than was signed
        client_url, headers = client.connect_shell(puppet.arn + "x")
        del headers["Host"]
        assert await refusal(client_url, headers) == 404
        signed = url.replace("shellId=x", "shellId=" + urllib.parse.quote("a b"))
        headers = client._sigv4_sign(signed.replace("wss://", "https://"))
        del headers["Host"]
        assert await refusal(signed, headers) == 400
    run(work())


def test_tokens_open_shells_of_runtimes_that_want_them(tmp_path_factory, reach):
    config = tmp_path_factory.mktemp("jwt") / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", str(config)]) as daemon:
        machine = issuer.machine_client(daemon, audiences=["https://agent.example"])
        token = issuer.token_of(daemon, machine, scope="read")["access_token"]
        runtime = agents.deploy(daemon, agents.PUPPET_FILES, name="guarded",
                                authorizerConfiguration={"customJWTAuthorizer": {
                "discoveryUrl": f"{daemon.endpoint}/issuer/.well-known/openid-configuration",
                "allowedClients": [machine["clientId"]]}})
        reach["port"] = daemon.port

        async def work():
            async with client_of(daemon).open_shell(
                    runtime.arn, auth=OAuthAuth(bearer_token=token)) as shell:
                await shell.send("echo by-''token\n")
                await Screen(shell).until("by-token")
            forged = token[:-6] + "AAAAAA"
            with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
                await client_of(daemon).open_shell(
                    runtime.arn, auth=OAuthAuth(bearer_token=forged)).__aenter__()
            assert refused.value.response.status_code == 401
        run(work())


def test_the_command_line_is_a_terminal_of_it(daemon, tmp_path):
    """`agentcore shell` on a pseudo-terminal, as a user has it."""
    for name, content in agents.PUPPET_FILES.items():
        (tmp_path / name).write_text(content)

    def agentcore(*arguments, **settings):
        return subprocess.run([program("agentcore"), *arguments], cwd=tmp_path, timeout=120,
                              env=daemon.command_environment(), capture_output=True, text=True,
                              **settings)

    assert agentcore("configure", "-e", "agent.py", "-n", "shelled", "--non-interactive",
                     stdin=subprocess.DEVNULL).returncode == 0
    assert agentcore("deploy", stdin=subprocess.DEVNULL).returncode == 0
    piped = agentcore("shell", "-s", agents.session_id(), input="echo pi''ped; exit 9\n")
    assert "piped" in piped.stdout and piped.returncode == 9

    def on_a_terminal(*arguments):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(tmp_path)
            os.execve(program("agentcore"), ["agentcore", "shell", *arguments],
                      daemon.command_environment())
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        return pid, terminal

    def see(terminal, wanted):
        text = b""
        while wanted not in text:
            assert select.select([terminal], [], [], SECONDS_MAX)[0], text
            text += os.read(terminal, 4096)
        return text.decode(errors="replace")

    def code_of(pid):
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    session = agents.session_id()
    pid, terminal = on_a_terminal("-s", session, "--shell-id", "kept")
    os.write(terminal, b"X=kept; echo re''ady; stty size\r")
    assert "ready" in see(terminal, b"33 99")
    os.write(terminal, b"\x1d")
    assert "--shell-id kept" in see(terminal, b"--shell-id kept")
    assert code_of(pid) == 0
    os.close(terminal)
    pid, terminal = on_a_terminal("-s", session, "--shell-id", "kept")
    os.write(terminal, b"echo still-$X\r")
    see(terminal, b"still-kept")
    os.write(terminal, b"exit 4\r")
    assert code_of(pid) == 4
    os.close(terminal)
    agentcore("destroy", "--force", stdin=subprocess.DEVNULL)


def test_shells_leave_nothing_behind(fresh_daemon, reach):
    daemon, client = fresh_daemon, client_of(fresh_daemon)
    reach["port"] = daemon.port
    puppet = agents.deploy(daemon, agents.PUPPET_FILES)
    before = daemon.open_files()

    async def work():
        session = agents.session_id()
        for number in range(5):
            shell = client.open_shell(puppet.arn, session_id=session, shell_id=f"s{number}")
            await shell.__aenter__()
            await shell.send("yes | head -c 300000; sleep 1000 &\n")
            shell._ws.transport.abort()
        return session

    puppet.stop(run(work()))
    puppet.delete()  # and what waited for further sessions
    assert eventually(lambda: daemon.open_files() <= before + 4, 20), daemon.open_files()
