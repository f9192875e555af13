"""Does what the sessions of one agent have in common, once: `agent_template.py SCRIPT`.

Imports what the agent's script will import, then has this process written down as a template
(agentcored_template). Each session goes on from there and runs the script as Python itself would,
which then finds its imports done.

Only installed packages and the standard library are imported ahead, never the agent's own modules:
what those do when they are imported (open a connection, read the clock, draw an id) is a session's
own business. A package that when it is imported starts a thread, keeps a file or socket open,
connects to anything, writes files or draws random numbers is left out too: the sessions import it
themselves. When one is found, this program starts anew without it, and says so on standard error.
"""
import ast
import builtins
import contextlib
import gc
import importlib
import importlib.machinery
import os
import shutil
import signal
import socket
import sys
import time

CODE = "/var/task"
ROUNDS_MAX = 16
PORTS = (8080, 8000, 9000)  # of the protocols of agents
REHEARSAL_SECONDS_MAX = 15
# Each guest has its own, which are empty when it starts.
FOLDERS = ("/work", "/tmp", "/dev/shm")

# What these import no sooner than they are used, and agents use at once.
USED_AT_ONCE = {
    "uvicorn": ["uvicorn.loops.auto", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on",
                "uvicorn.lifespan.off", "uvicorn.protocols.websockets.auto", "uvicorn.logging"],
    "anyio": ["anyio._backends._asyncio"],
    "starlette": ["starlette.routing", "starlette.responses", "starlette.concurrency"],
    "bedrock_agentcore": ["bedrock_agentcore.runtime", "uvicorn"],
    "asyncio": ["asyncio.unix_events", "concurrent.futures.thread"],
    "logging": ["encodings.idna", "traceback", "linecache"],
}

# Whoever draws random numbers by these draws them for somebody else.
DRAWERS = {"uuid", "random", "secrets", "tempfile"}
# What these draw for themselves, the template's module and renew() draw again; or they are names of
# keys within one process (opentelemetry.context).
HARMLESS_DRAWS = DRAWERS | {"numpy.random", "opentelemetry.context", "multiprocessing.process"}
REACHES_OUT = {"connect", "connect_ex", "getaddrinfo"}


class Names(ast.NodeVisitor):
    """The modules that a module names where it is executed at once: (name, member) pairs."""

    def __init__(self, package):
        self.package = package
        self.found = []

    def visit_Import(self, node):
        self.found += [(alias.name, None) for alias in node.names]

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            above = self.package.split(".")[:len(self.package.split(".")) - node.level + 1]
            base = ".".join(filter(None, [*above, base]))
        self.found += [(base, alias.name) for alias in node.names]

    def visit_FunctionDef(self, node):
        """Executed when it is called, if ever."""

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_If(self, node):
        """What is for type checkers alone is not executed."""
        if "TYPE_CHECKING" in (getattr(node.test, "id", ""), getattr(node.test, "attr", "")):
            for one in node.orelse:
                self.visit(one)
        else:
            self.generic_visit(node)


def names_in(path, package=""):
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return []
    names = Names(package)
    names.visit(tree)
    return names.found


def installed_tops():
    """Top-level names of packages that were installed, also of those beside the agent's code."""
    tops = set()
    for folder in sys.path:
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith(".dist-info"):
                continue
            try:
                with open(os.path.join(folder, entry, "RECORD"), encoding="utf-8") as record:
                    first = {line.split(",")[0].split("/")[0] for line in record}
            except OSError:
                continue
            tops.update(name.split(".")[0] for name in first)
    return tops


class Wanted:
    """What the agent's script imports, in order, through its own modules as well."""

    def __init__(self, script):
        self.installed = installed_tops()
        self.modules = []
        self.seen = set()
        self.read(script, "")

    def read(self, path, package):
        if path in self.seen:
            return
        self.seen.add(path)
        for name, member in names_in(path, package):
            if name:
                self.add(name, member)

    def add(self, name, member):
        if name.split(".")[0] == "__future__":
            return
        own = self.own_file(name)
        if own is None:
            self.modules.append((name, member))
            return
        path, package = own
        self.read(path, package)
        if member and package == name and (below := self.own_file(f"{name}.{member}")):
            self.read(*below)

    def own_file(self, name):
        """(path, package) of a module of the agent's own; None for others."""
        top, *rest = name.split(".")
        if top in self.installed or top in sys.stdlib_module_names:
            return None
        for folder in sys.path:
            if not folder.startswith(CODE):
                continue
            path = os.path.join(folder, top, *rest)
            if os.path.isfile(file := os.path.join(path, "__init__.py")):
                return file, name
            if os.path.isfile(path + ".py"):
                return path + ".py", name.rpartition(".")[0]
            if os.path.isdir(path):
                return os.path.join(path, "__init__.py"), name
        return None


def bring_in(name, member=None):
    """Like the statement that names them. What fails will fail for the session, and be its tale."""
    try:
        module = importlib.import_module(name)
        if member and member != "*" and not hasattr(module, member):
            importlib.import_module(f"{name}.{member}")
    except BaseException as error:  # pylint: disable=broad-exception-caught
        if isinstance(error, (KeyboardInterrupt, MemoryError)):
            raise


def used_at_once():
    done = set()
    while todo := [top for top in USED_AT_ONCE if top in sys.modules and top not in done]:
        for top in todo:
            done.add(top)
            for name in USED_AT_ONCE[top]:
                bring_in(name)


def held():
    """What a process has beyond its memory."""
    return (len(os.listdir("/proc/self/task")), sorted(os.listdir("/proc/self/fd")),
            [sorted(os.listdir(folder)) for folder in FOLDERS if os.path.isdir(folder)])


def empty_folders():
    for folder in filter(os.path.isdir, FOLDERS):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)


def owner_of(frame):
    """The module whose code this is; of the import system's, the module that it executes."""
    name = frame.f_globals.get("__name__", "")
    if name != "importlib._bootstrap":
        return name
    for part in frame.f_locals.get("args", ()):
        if isinstance(part, dict):
            return part.get("__name__", name)
        if found := getattr(part, "name", None) or getattr(part, "__name__", None):
            return found
    return name


def is_harmless(owner):
    return any(owner == name or owner.startswith(name + ".") for name in HARMLESS_DRAWS)


class Watch:
    """Sees what imports do that must not be done once for all sessions."""

    def __init__(self):
        self.seen = []

    def __call__(self, frame, event, argument):
        if event != "c_call":
            return
        name = getattr(argument, "__name__", "")
        if name in REACHES_OUT:
            self.seen.append("it connects to something")
        elif name == "urandom" or (name == "seed" and self.is_unforeseeable(frame)):
            while frame.f_back and frame.f_globals.get("__name__") in DRAWERS:
                frame = frame.f_back
            if not is_harmless(owner_of(frame)):
                self.seen.append("it draws random numbers")

    @staticmethod
    def is_unforeseeable(frame):
        """random.Random.seed(None)"""
        return frame.f_code.co_name == "seed" and frame.f_locals.get("a", 0) is None


def share_imports(script, banned):
    """(number, name, why) of the first import that does what sessions cannot share; None: all are
    done."""
    before = held()
    for number, (name, member) in enumerate(Wanted(script).modules):
        if number in banned:
            continue
        watch = Watch()
        sys.setprofile(watch)
        bring_in(name, member)
        sys.setprofile(None)
        if held() != before:
            watch.seen.append("it keeps a thread, descriptor or file")
        if watch.seen:
            return number, name, watch.seen[0]
    used_at_once()
    return None


def renew():
    """What siblings must not have alike, beside what the template's module itself sees to."""
    if "multiprocessing.process" in sys.modules:
        process = sys.modules["multiprocessing.process"]
        secret = process.AuthenticationString(os.urandom(32))
        process.current_process()._config["authkey"] = secret  # pylint: disable=protected-access
    if "logging" in sys.modules:  # since when its relative times count
        logging = sys.modules["logging"]
        is_whole = isinstance(logging._startTime, int)  # pylint: disable=protected-access
        logging._startTime = time.time_ns() if is_whole else time.time()


def run(script, code):
    """As `python SCRIPT` does."""
    import __main__
    names = vars(__main__)
    names.clear()
    names.update({"__name__": "__main__", "__file__": script, "__builtins__": builtins,
                  "__doc__": None, "__package__": None, "__spec__": None, "__cached__": None,
                  "__loader__": importlib.machinery.SourceFileLoader("__main__", script)})
    sys.argv = [script]
    sys.orig_argv = [sys.executable, script]
    try:
        exec(code, names)  # pylint: disable=exec-used
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # pylint: disable=broad-exception-caught
        sys.excepthook(type(error), error, error.__traceback__.tb_next)  # without our own frame
        raise SystemExit(1) from None


def rehearse(template, script, code):
    """A child starts as sessions will, so that it is known where they write."""
    gc.collect()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        try:
            nothing = os.open("/dev/null", os.O_RDWR)
            for descriptor in range(5):  # also the snapshot's
                os.dup2(nothing, descriptor)
            template.be_unlike_siblings()
            renew()
            run(script, code)
        finally:
            os._exit(0)
    try:
        if answers(pid):
            template.expect_writes(pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def answers(pid):
    end = time.monotonic() + REHEARSAL_SECONDS_MAX
    while time.monotonic() < end and not os.waitpid(pid, os.WNOHANG)[0]:
        for port in PORTS:
            with contextlib.suppress(OSError), socket.create_connection(
                    ("127.0.0.1", port), REHEARSAL_SECONDS_MAX) as connection:
                connection.sendall(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                   b"Connection: close\r\n\r\n")
                return bool(connection.recv(4096))
        time.sleep(0.01)
    return False


def main(script, *banned):
    import agentcored_template as template
    if os.getpid() < template.PROCESS_ID_MIN:
        template.begin()
    else:
        template.load()
    del sys.modules["agentcored_template"]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(script)
    if banned:
        empty_folders()
    found = share_imports(script, set(map(int, banned)))
    if found is not None:
        number, name, why = found
        print(f"{name}: {why}", file=sys.stderr, flush=True)
        if len(banned) >= ROUNDS_MAX:
            sys.exit("too many packages do what sessions cannot share")
        # Anew, so that nothing of it is left.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], str(number)])
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    with contextlib.suppress(OSError):
        rehearse(template, script, code)
    empty_folders()
    template.freeze()
    renew()
    run(script, code)


if __name__ == "__main__":
    main(*sys.argv[1:])
