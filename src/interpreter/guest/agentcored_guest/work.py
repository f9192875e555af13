"""What runs on behalf of a call: an execution in a kernel, a command, a task."""
import os
import signal
import socket
import subprocess
import sys
import time

from agentcored_guest import kernel, peers

# Of a Python kernel; it keeps the number of its channel when it goes on elsewhere.
CHANNEL_FD, PROGRAM_FD, SNAPSHOT_FD, BASE_FD = 500, 503, 504, 505
KILL_AFTER_SECONDS = 2.0  # a kernel that does not heed its interrupt
COMMAND_SHELL = ["/bin/bash", "-c"] if os.path.exists("/bin/bash") else ["/bin/sh", "-c"]


class Budget:
    """How much of one execution's output is passed on."""

    def __init__(self, bytes_max):
        self.left = bytes_max
        self.truncated = False

    def take(self, data):
        if len(data) > self.left:
            self.truncated = True
            data = data[:self.left]
        self.left -= len(data)
        return data


def end_process(pid, group=True):
    for kill in ((os.killpg, os.kill) if group else (os.kill,)):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def exit_code_of(status):
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class KernelProcess:
    """One language's process. `descriptors` are (fd, stream name)."""

    def __init__(self, agent, language, snapshot=None):
        self.agent = agent
        self.language = language
        mine, theirs = socket.socketpair()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        self.descriptors = {out_read: "stdout", err_read: "stderr"}
        channel = theirs.detach()
        self.snapshot = snapshot
        starter = self.fork_python if language == "python" else self.start_node
        if snapshot is not None:
            starter = self.thaw_python
        self.pid = starter(channel, out_write, err_write, mine)
        for fd in (channel, out_write, err_write):
            os.close(fd)
        for fd in self.descriptors:
            os.set_blocking(fd, False)
        self.peer = peers.Peer(mine.detach())

    def fork_python(self, channel, output, errors, mine):
        pid = os.fork()
        if pid:
            return pid
        try:
            mine.detach()
            moved = [os.dup2(fd, CHANNEL_FD + i) for i, fd in enumerate((channel, output, errors))]
            os.closerange(3, 500)
            os.closerange(503, 1 << 20)
            for i, fd in enumerate(moved):
                os.set_inheritable(fd, False)
            self.agent.become_kernel()
            kernel.main(*moved, self.agent.folder)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
        os._exit(70)

    def thaw_python(self, channel, output, errors, mine):
        """It goes on where the kernel of another session was written down."""
        snapshot, has_base = self.snapshot
        numbers = {CHANNEL_FD: channel, PROGRAM_FD: self.agent.options["thaw"],
                   SNAPSHOT_FD: snapshot}
        if has_base:
            numbers[BASE_FD] = self.agent.options["image"]
        for wanted, fd in numbers.items():
            os.dup2(fd, wanted)
            os.set_inheritable(wanted, True)
        program = f"/proc/self/fd/{PROGRAM_FD}"
        base = str(BASE_FD if BASE_FD in numbers else -1)
        try:
            return os.posix_spawn(
                program, [program, str(SNAPSHOT_FD), base], os.environ, setsid=True,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                              (os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, errors, 2)])
        finally:
            for fd in numbers:
                os.close(fd)

    def start_node(self, channel, output, errors, mine):
        script = os.path.join(os.path.dirname(__file__), "node_kernel.cjs")
        process = subprocess.Popen(
            [*self.agent.javascript(), script, self.language], stdin=subprocess.DEVNULL,
            stdout=output, stderr=errors, pass_fds=[channel], cwd=self.agent.folder,
            env={**os.environ, "AGENTCORED_CHANNEL": str(channel)}, start_new_session=True)
        process.returncode = 0  # reaped by us, not by its destructor
        return process.pid

    def interrupt(self):
        try:
            os.kill(self.pid, signal.SIGINT)
        except ProcessLookupError:
            pass

    def end(self):
        """Kills it if it still runs. Somebody has to wait for it."""
        end_process(self.pid)
        for fd in (*self.descriptors, self.peer.fd):
            os.close(fd)

    def close(self):
        """Its exit code, after it was killed if it still ran."""
        self.end()
        try:
            return exit_code_of(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            return 1


class Execution:
    """A call of executeCode."""

    def __init__(self, call, code, seconds_max, budget):
        self.call = call
        self.code = code
        self.seconds_max = seconds_max
        self.budget = budget
        self.started = None
        self.deadline = None
        self.interrupted = ""  # why

    def start(self):
        self.started = time.monotonic()
        self.deadline = self.started + self.seconds_max

    def seconds(self):
        return time.monotonic() - self.started if self.started else 0.0


class Command:
    """A shell command: of executeCommand, or a task of startCommandExecution (`task_id`)."""

    def __init__(self, folder, text, seconds_max, budget, call=None, task_id=None):
        self.call = call
        self.task_id = task_id
        self.budget = budget
        self.kept = {"stdout": bytearray(), "stderr": bytearray()}
        self.started = time.monotonic()
        self.deadline = self.started + seconds_max
        self.seconds_max = seconds_max
        self.ended_after = None
        self.exit_code = None
        self.why = ""
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        try:
            process = subprocess.Popen([*COMMAND_SHELL, text], stdin=subprocess.DEVNULL,
                                       stdout=out_write, stderr=err_write, cwd=folder,
                                       start_new_session=True)
        except (OSError, ValueError, subprocess.SubprocessError):
            for fd in (out_read, err_read):
                os.close(fd)
            raise
        finally:
            for fd in (out_write, err_write):
                os.close(fd)
        process.returncode = 0
        self.pid = process.pid
        self.watch = os.pidfd_open(self.pid)
        self.descriptors = {out_read: "stdout", err_read: "stderr"}
        for fd in self.descriptors:
            os.set_blocking(fd, False)

    def seconds(self):
        return self.ended_after or time.monotonic() - self.started

    def stop(self, why):
        self.why = self.why or why
        end_process(self.pid)

    def reap(self):
        self.exit_code = exit_code_of(os.waitpid(self.pid, 0)[1])
        self.ended_after = time.monotonic() - self.started
        os.close(self.watch)

    @property
    def status(self):
        if self.exit_code is None:
            return "working"
        if self.why == "stopped":
            return "canceled"
        return "completed" if self.exit_code == 0 else "failed"


def python_version():
    return "%d.%d.%d" % sys.version_info[:3]
