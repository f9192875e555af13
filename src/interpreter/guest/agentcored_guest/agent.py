"""The session's agent: takes the daemon's calls, runs no code of the user's itself.

One thread around one selector. Requests are frames {"call", "op", ...}; the answer to a call is any
number of {"event": "output" | "display"} and one {"event": "done"}. Calls run beside one another,
but those of one language's kernel one after the other.
"""
import collections
import os
import selectors
import signal
import time

from agentcored_guest import continuation, files, frames, kernel, peers, work

TASKS_MAX = 64
TASK_OUTPUT_BYTES_MAX = 256 << 10
PENDING_BYTES_MAX = 4 << 20  # over it no output is read: its writers wait
COMMANDS_MAX = 32


def preload(names):
    """What takes long to import is in every kernel that is forked from here."""
    for name in names:
        try:
            __import__(name)
        except Exception:  # whatever is wrong with it, code that needs it will be told
            pass


class Agent:
    def __init__(self, channel, options):
        self.folder = options["folder"]
        self.options = options
        self.daemon = peers.DescriptorPeer(channel, self.sink)
        self.kernels = {}
        self.running = {}  # language -> Execution
        self.waiting = collections.defaultdict(collections.deque)
        self.commands = {}  # pidfd -> Command
        self.tasks = {}
        self.tasks_made = 0
        self.selector = None
        self.paused = False
        self.forking = None  # the call that waits for a kernel's snapshot
        self.fork_answer = {}
        self.replaced = []  # pids of kernels that were killed, not yet waited for

    def serve(self):
        os.chdir(self.folder)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.daemon.fd, selectors.EVENT_READ, self.on_daemon)
        self.get_ready()
        self.daemon.send({"event": "ready", "python": work.python_version()})
        while True:
            self.arrange_daemon()
            for key, mask in self.selector.select(self.patience()):
                if key.fileobj in self.selector.get_map():
                    key.data(key.fileobj, mask)
            self.keep_time()

    def get_ready(self):
        """Ahead of demand."""
        if self.options.get("kernel"):
            self.start_kernel("python")

    def start_kernel(self, language, snapshot=None):
        self.kernels[language] = process = work.KernelProcess(self, language, snapshot)
        self.watch(process, self.on_kernel)
        return process

    def become_kernel(self):
        """In the process that is to run user code: nothing of ours reaches it."""
        if self.options.get("hide"):
            self.options["hide"](False)

    def javascript(self):
        """The command in front of the kernel's script. Deno's own permissions are wide open: what
        holds its code is what holds Python's."""
        if self.options.get("deno"):
            return [self.options["deno"], "run", "--allow-all", "--no-config", "--quiet"]
        if self.options.get("node"):
            return [self.options["node"], "--no-warnings"]
        raise files.Refused("JavaScript and TypeScript need Deno or Node.js, which this "
                            "interpreter's image does not have")

    # -- the daemon

    def arrange_daemon(self):
        """Asks to write when there is something, and stops reading output when there is much."""
        for peer, handler in ((self.daemon, self.on_daemon),
                              *((p.peer, self.on_kernel) for p in self.kernels.values())):
            events = selectors.EVENT_READ
            if peer.pending:
                events |= selectors.EVENT_WRITE
            if self.selector.get_key(peer.fd).events != events:
                self.selector.modify(peer.fd, events, handler)
        full = self.daemon.pending_bytes > PENDING_BYTES_MAX
        if full == self.paused:
            return
        self.paused = full
        for source in (*self.kernels.values(), *self.commands.values()):
            for fd in source.descriptors:
                if full:
                    self.forget(fd)
                else:
                    self.selector.register(fd, selectors.EVENT_READ, self.on_output)

    def on_daemon(self, _fd, mask):
        try:
            if mask & selectors.EVENT_WRITE:
                self.daemon.write()
            if not mask & selectors.EVENT_READ:
                return
            found, ended = self.daemon.read()
        except (OSError, frames.Broken):
            os._exit(3)
        for header, body in found:
            self.take(header, body)
        if ended:
            os._exit(0)

    def take(self, header, body):
        call = header.get("call")
        try:
            handler = getattr(self, "do_" + str(header.get("op")), None)
            if handler is None:
                raise files.Refused("the agent knows no such operation")
            answer = handler(call, header, body)
        except files.Refused as refused:
            answer = {"error": str(refused)}
        except (OSError, MemoryError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        if answer is not None:
            ranges = answer.pop("ranges", None)
            reply = answer.pop("body", b"")
            told = {"event": "done", "call": call, **answer}
            if ranges is None:
                self.daemon.send(told, reply)
            else:
                self.daemon.send_files(told, ranges)

    def output(self, call, stream, data):
        if call is not None and data:
            self.daemon.send({"event": "output", "call": call, "stream": stream}, data)

    def do_environment(self, _call, header, _body):
        """What this session's processes find in their environment, those that run already too."""
        variables = {str(k): str(v) for k, v in header["variables"].items()}
        os.environ.update(variables)
        for language, process in self.kernels.items():
            if language == "python":
                process.peer.send({"op": "environment", "variables": variables})
        return {}

    # -- forks of the session

    def do_fork(self, call, header, _body):
        """Files and the Python kernel's memory, each to a file that came along."""
        return continuation.write_down(self, call, header)

    def is_busy(self):
        """Whether anybody waits for what runs here; tasks go on by themselves."""
        return bool(self.running or any(self.waiting.values()) or
                    any(c.call is not None for c in self.commands.values()))

    def do_adopt(self, call, header, _body):
        return continuation.go_on(self, call, header)

    # -- files

    def sink(self, header, size):
        """Large files are written while the rest of them is on its way."""
        if header.get("op") == "write" and size > len(files.BUFFER):
            return files.Incoming(self.folder, header["files"])
        return None

    def do_write(self, _call, header, body):
        if isinstance(body, files.Incoming):
            return {"text": body.finish()}
        return {"text": files.write(self.folder, header["files"], body)}

    def do_read(self, _call, header, _body):
        found, ranges = files.read(self.folder, header["paths"])
        return {"files": found, "ranges": ranges}

    def do_list(self, _call, header, _body):
        entries, cut = files.listing(self.folder, header["path"])
        return {"entries": entries, "truncated": cut}

    def do_remove(self, _call, header, _body):
        return {"text": files.remove(self.folder, header["paths"])}

    # -- code

    def do_execute(self, call, header, body):
        language = header["language"]
        if language != "python":
            self.javascript()
        execution = work.Execution(call, body, header["seconds"],
                                   work.Budget(header["outputBytes"]))
        if header.get("clear"):
            execution.clear = True
        self.waiting[language].append(execution)
        self.start_next(language)

    def start_next(self, language):
        if language in self.running or not self.waiting[language]:
            return
        execution = self.waiting[language].popleft()
        if getattr(execution, "clear", False) and language in self.kernels:
            self.drop_kernel(language).close()
        try:
            if language not in self.kernels:
                self.start_kernel(language)
            self.running[language] = execution
            execution.start()
            self.kernels[language].peer.send({"op": "run", "call": execution.call}, execution.code)
        except OSError as error:
            self.running.pop(language, None)
            self.daemon.send({"event": "done", "call": execution.call,
                              "error": f"the {language} process cannot be used: {error}"})

    def watch(self, process, handler):
        fd = process.peer.fd if handler == self.on_kernel else process.watch
        self.selector.register(fd, selectors.EVENT_READ, handler)
        if not self.paused:
            for output in process.descriptors:
                self.selector.register(output, selectors.EVENT_READ, self.on_output)

    def forget(self, fd):
        if fd in self.selector.get_map():
            self.selector.unregister(fd)

    def drop_kernel(self, language):
        process = self.kernels.pop(language)
        for fd in (*process.descriptors, process.peer.fd):
            self.forget(fd)
        if language == "python" and self.forking is not None:
            call, self.forking = self.forking, None
            self.daemon.send({"event": "done", "call": call,
                              "error": "the python process ended while it was forked"})
            continuation.settle(self)
        return process

    def on_output(self, fd, _mask):
        for language, process in self.kernels.items():
            if fd in process.descriptors:
                return self.read_kernel_output(language, fd)
        for command in self.commands.values():
            if fd in command.descriptors:
                return self.read_command_output(command, fd)

    def read_kernel_output(self, language, fd):
        data, ended = peers.read_available(fd)
        execution = self.running.get(language)
        if execution is not None:
            stream = self.kernels[language].descriptors[fd]
            self.output(execution.call, stream, execution.budget.take(data))
        if ended:
            self.forget(fd)

    def on_kernel(self, fd, mask):
        language = next(l for l, p in self.kernels.items() if p.peer.fd == fd)
        process = self.kernels[language]
        try:
            if mask & selectors.EVENT_WRITE:
                process.peer.write()
            if not mask & selectors.EVENT_READ:
                return
            found, ended = process.peer.read()
        except frames.Broken as broken:
            return self.kernel_lost(language, f"its channel was broken: {broken}")
        except OSError:  # it has closed its end
            return self.kernel_lost(language, "")
        for header, body in found:
            self.on_kernel_frame(language, header, body)
        if ended and self.kernels.get(language) is process:
            self.kernel_lost(language, "")

    def on_kernel_frame(self, language, header, body):
        if header.get("event") == "snapshot" and self.forking is not None:
            call, self.forking = self.forking, None
            self.daemon.send({"event": "done", "call": call, **self.fork_answer,
                              **({"error": str(header["error"])[:500]}
                                 if header.get("error") else {})})
            return continuation.settle(self)
        execution = self.running.get(language)
        if execution is None:
            return
        if header.get("event") == "display":
            if len(body) > execution.budget.left:
                execution.budget.truncated = True
                return
            execution.budget.left -= len(body)
            self.daemon.send({"event": "display", "call": execution.call,
                              "mimeType": str(header.get("mimeType"))[:200]}, body)
        elif header.get("event") == "done" and header.get("call") == execution.call:
            code = header.get("exitCode")
            self.finish(language, exitCode=code if type(code) is int else 1)

    def kernel_lost(self, language, why):
        for fd in list(self.kernels[language].descriptors):
            self.read_kernel_output(language, fd)
        code = self.drop_kernel(language).close()
        execution = self.running.get(language)
        if execution is None:
            return
        lost = why or f"it ended with exit code {code}"
        if execution.interrupted:
            lost = "it did not stop when it was told to and was ended"
        message = f"The {language} process is gone: {lost}. Its state is lost; files are kept.\n"
        self.output(execution.call, "stderr", message.encode())
        self.finish(language, exitCode=code or 1, drained=True)

    def finish(self, language, exitCode, drained=False):
        if not drained:
            for fd in self.kernels[language].descriptors:
                self.read_kernel_output(language, fd)
        execution = self.running.pop(language)
        if execution.interrupted:
            self.output(execution.call, "stderr", (execution.interrupted + "\n").encode())
            exitCode = exitCode or 130
        # What fits into no integer of the API is somebody's invention.
        exitCode = max(-(1 << 31), min(exitCode, (1 << 31) - 1))
        self.daemon.send({"event": "done", "call": execution.call, "exitCode": exitCode,
                          "seconds": execution.seconds(),
                          "truncated": execution.budget.truncated})
        self.start_next(language)

    def do_cancel(self, _call, header, _body):
        """The caller of header["target"] has gone."""
        target = header["target"]
        for language, execution in list(self.running.items()):
            if execution.call == target:
                self.interrupt(language, "Interrupted: nobody waits for the result any more.")
        for command in self.commands.values():
            if command.call == target and command.call is not None:
                command.stop("cancelled")
        for queue in self.waiting.values():
            for execution in [e for e in queue if e.call == target]:
                queue.remove(execution)

    def interrupt(self, language, why):
        execution = self.running[language]
        if not execution.interrupted:
            execution.interrupted = why
            execution.deadline = time.monotonic() + work.KILL_AFTER_SECONDS
            self.kernels[language].interrupt()

    # -- commands

    def start_command(self, header, body, call=None, task_id=None):
        if len(self.commands) >= COMMANDS_MAX:
            raise files.Refused(f"{COMMANDS_MAX} commands run already")
        bytes_max = header["outputBytes"] if task_id is None else TASK_OUTPUT_BYTES_MAX
        try:
            command = work.Command(self.folder, body.decode("utf-8", "surrogateescape"),
                                   header["seconds"], work.Budget(bytes_max), call, task_id)
        except (ValueError, OSError) as error:
            raise files.Refused(f"the command cannot be started: {error}") from None
        self.commands[command.watch] = command
        self.watch(command, self.on_command_end)
        return command

    def do_command(self, call, header, body):
        self.start_command(header, body, call=call)

    def read_command_output(self, command, fd):
        data, ended = peers.read_available(fd)
        stream = command.descriptors[fd]
        data = command.budget.take(data)
        if command.task_id is not None:
            command.kept[stream] += data
        else:
            self.output(command.call, stream, data)
        if ended:
            self.forget(fd)

    def on_command_end(self, watch, _mask):
        command = self.commands[watch]
        self.forget(watch)
        for fd in command.descriptors:
            self.read_command_output(command, fd)
            self.forget(fd)
            os.close(fd)
        del self.commands[watch]
        command.descriptors = {}
        command.reap()
        if command.task_id is not None:
            return
        if command.why:
            self.output(command.call, "stderr", (command.why + "\n").encode())
        self.daemon.send({"event": "done", "call": command.call, "exitCode": command.exit_code,
                          "seconds": command.seconds(), "truncated": command.budget.truncated})

    # -- tasks

    def do_start_task(self, _call, header, body):
        for name in [n for n, t in self.tasks.items() if t.exit_code is not None]:
            if len(self.tasks) >= TASKS_MAX:
                del self.tasks[name]
        if len(self.tasks) >= TASKS_MAX:
            raise files.Refused(f"{TASKS_MAX} tasks run already")
        self.tasks_made += 1
        task_id = f"task-{self.tasks_made:06d}-{os.urandom(4).hex()}"
        self.tasks[task_id] = self.start_command(header, body, task_id=task_id)
        return {"task": task_id, "status": "submitted"}

    def task(self, header):
        found = self.tasks.get(header["task"])
        if found is None:
            raise files.Refused(f"{header['task'][:100]}: there is no such task")
        return found

    def do_get_task(self, _call, header, _body):
        task = self.task(header)
        out, err = task.kept["stdout"], task.kept["stderr"]
        answer = {"task": task.task_id, "status": task.status, "seconds": task.seconds(),
                  "outBytes": len(out), "body": bytes(out + err),
                  "truncated": task.budget.truncated}
        if task.exit_code is not None:
            answer["exitCode"] = task.exit_code
        return answer

    def do_stop_task(self, _call, header, _body):
        task = self.task(header)
        if task.exit_code is None:
            task.stop("stopped")
            return {"task": task.task_id, "status": "canceled"}
        return {"task": task.task_id, "status": task.status}

    # -- time

    def patience(self):
        deadlines = [e.deadline for e in self.running.values() if e.deadline]
        deadlines += [c.deadline for c in self.commands.values()]
        if not deadlines:
            return None
        return max(0.0, min(deadlines) - time.monotonic())

    def keep_time(self):
        now = time.monotonic()
        for language, execution in list(self.running.items()):
            if now < execution.deadline:
                continue
            if execution.interrupted:
                self.kernel_lost(language, "")
            else:
                self.interrupt(language, f"The execution took longer than "
                                         f"{execution.seconds_max:g} s and was interrupted.")
        for command in self.commands.values():
            if now >= command.deadline:
                command.deadline = now + 60
                command.stop(f"The command took longer than {command.seconds_max:g} s "
                             "and was ended.")


def let_pip_install(folder):
    """pip, and what it has installed, for everything that the session runs."""
    packages = kernel.packages_folder(folder)
    os.environ["PIP_TARGET"] = os.environ["PYTHONPATH"] = packages
    os.environ["PATH"] = packages + "/bin:" + os.environ.get("PATH", "")


def main(channel, options):
    let_pip_install(options["folder"])
    for given in ("thaw", "image", "library"):
        if options.get(given, -1) >= 0:
            os.set_inheritable(options[given], False)
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    Agent(channel, options).serve()
