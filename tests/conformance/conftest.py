"""Fixtures: a daemon for the whole run, a fresh one for tests that harm it, deployed agents."""
import contextlib

import boto3
import pytest

import agents
import models_config
import probe_identity
from daemon import Daemon, eventually


def pytest_addoption(parser):
    parser.addoption("--memory-kills", type=int, default=12,
                     help="how often the daemon is killed under a memory's load")
    parser.addoption("--identity-kills", type=int, default=20,
                     help="how often the daemon is killed while it refreshes a token")
    parser.addoption("--soak-seconds", type=float, default=25,
                     help="how long sessions come and go in test_soak.py")
    parser.addoption("--soak-seed", type=int, default=0, help="repeats its choices; 0: new ones")


@pytest.fixture(autouse=True)
def no_session_is_kept(monkeypatch):
    """boto3 keeps the credentials that it found first; the next test may have another daemon."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@contextlib.contextmanager
def served(**arguments):
    """A running daemon; at the end SIGTERM must exit 0 and leave nothing behind."""
    daemon = Daemon(**arguments)
    try:
        daemon.start()
        yield daemon
        if daemon.running():
            pids = daemon.descendants()
            code = daemon.stop()
            assert code == 0, f"exit code {code} after SIGTERM:\n{daemon.log_tail()}"
            left = eventually(lambda: not daemon.leftovers(pids), 5) or daemon.leftovers(pids)
            assert left is True, left
    finally:
        daemon.remove()


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """Its models are scripted: models_config.RULES; it issues tokens itself, and may call the
    authorization server of probe_identity."""
    config = models_config.write(tmp_path_factory.mktemp("config"), platform={
        "issuer": {"enabled": True}, "outbound": {"allow": [probe_identity.HOST]}})
    with served(arguments=["--config", config]) as running:
        yield running


@pytest.fixture
def fresh_daemon():
    with served() as running:
        yield running


@pytest.fixture(scope="session")
def deployed(daemon):
    """deployed(files, **arguments): a READY runtime on the common daemon."""
    def deploy(files, **arguments):
        return agents.deploy(daemon, files, **arguments)
    return deploy


@pytest.fixture(scope="session")
def puppet(deployed):
    """An agent that does what it is told; tests use sessions of their own."""
    return deployed(agents.PUPPET_FILES, name="puppet")


@pytest.fixture(scope="session")
def app(deployed):
    """A BedrockAgentCoreApp, its requirements installed from the package index."""
    return deployed(agents.APP_FILES, name="app")
