"""Does what the sessions of one agent have in common, once: `agent_template.py SCRIPT`.

Imports what the agent's script will import, then has this process written down as a template
(agentcored_template). Each session goes on from there and runs the script as Python itself would,
which then finds its imports done.

Only installed packages and the standard library are imported ahead, never the agent's own modules:
what those do when they are imported (open a connection, read the clock, draw an id) is a session's
own business. A package that starts a thread, keeps a file or socket open or draws random numbers
when it is imported is left out too: the sessions import it themselves. When one is found, this
program starts anew without it.
"""
import ast
import importlib
import importlib.util
import os
import sys

CODE = "/var/task"
ROUNDS_MAX = 16

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
# Names of keys within one process, and a secret that renew() draws again: alike is harmless.
HARMLESS_DRAWS = {"opentelemetry.context", "multiprocessing.process"}


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
    return len(os.listdir("/proc/self/task")), sorted(os.listdir("/proc/self/fd"))


def share_imports(script, banned):
    """The index of the first import that does what sessions cannot share, or None: all are done."""
    before = held()
    drawn = []

    def watch(frame, event, argument):
        if event != "c_call" or getattr(argument, "__name__", "") != "urandom":
            return
        while frame.f_back and frame.f_globals.get("__name__") in DRAWERS:
            frame = frame.f_back
        if frame.f_globals.get("__name__") not in HARMLESS_DRAWS:
            drawn.append(frame)

    for number, (name, member) in enumerate(Wanted(script).modules):
        if number in banned:
            continue
        sys.setprofile(watch)
        bring_in(name, member)
        sys.setprofile(None)
        if drawn or held() != before:
            print(f"{name} is left to the sessions", file=sys.stderr)
            return number
    used_at_once()
    return None


def renew():
    """What siblings must not have alike, beside what the template itself sees to."""
    if "multiprocessing.process" in sys.modules:
        process = sys.modules["multiprocessing.process"]
        secret = process.AuthenticationString(os.urandom(32))
        process.current_process()._config["authkey"] = secret  # pylint: disable=protected-access


def run(script, code):
    """As `python SCRIPT` does."""
    import __main__
    names = vars(__main__)
    names.clear()
    names.update({"__name__": "__main__", "__file__": script, "__builtins__": __builtins__,
                  "__doc__": None, "__package__": None, "__spec__": None, "__loader__": None,
                  "__cached__": None})
    sys.argv = [script]
    exec(code, names)  # pylint: disable=exec-used


def main(script, *banned):
    import agentcored_template as template
    del sys.modules["agentcored_template"]
    sys.path[0] = os.path.dirname(script)
    found = share_imports(script, set(map(int, banned)))
    if found is not None:
        if len(banned) >= ROUNDS_MAX:
            sys.exit("too many packages do what sessions cannot share")
        # Anew, so that nothing of it is left.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], str(found)])
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    template.freeze()
    renew()
    run(script, code)


if __name__ == "__main__":
    main(*sys.argv[1:])
