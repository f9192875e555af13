"""An import hook under which older AgentCore sample code runs. See README.md."""
import importlib.abc
import importlib.machinery
import importlib.util
import sys

# Modules that the packages of today lack: name -> ours.
ADDED = {
    "bedrock_agentcore.browser": "agentcored_compat.browser",
    "bedrock_agentcore.code_interpreter": "agentcored_compat.code_interpreter",
}

# Modules that lack a name: name -> ours, whose extend(module) adds it after the import.
EXTENDED = {
    "bedrock_agentcore.identity": "agentcored_compat.identity",
    "strands.multiagent.base": "agentcored_compat.multiagent",
    "botocore.loaders": "agentcored_compat.botocore_models",
}


class _Extending(importlib.abc.Loader):
    """Loads a module as its own loader does, then extends it."""

    def __init__(self, loader, extension):
        self._loader = loader
        self._extension = extension

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        importlib.import_module(self._extension).extend(module)

    def __getattr__(self, name):  # get_source, get_resource_reader, ...
        return getattr(self._loader, name)


class Finder(importlib.abc.MetaPathFinder):
    """First on sys.meta_path, so that it sees the names before the packages' own finder."""

    def __init__(self):
        self._asking = set()

    def find_spec(self, name, path, target=None):
        if name not in ADDED and name not in EXTENDED or name in self._asking:
            return None
        self._asking.add(name)
        try:
            found = self._find_elsewhere(name, path, target)
        finally:
            self._asking.discard(name)
        if name in ADDED:
            # A package that has the module by now wins.
            return found or importlib.util.find_spec(ADDED[name])
        if found is not None and found.loader is not None:
            found.loader = _Extending(found.loader, EXTENDED[name])
        return found

    def _find_elsewhere(self, name, path, target):
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


def install():
    """Adds the hook once; modules that are imported already are extended now."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, Finder())
    for name, extension in EXTENDED.items():
        if name in sys.modules:
            importlib.import_module(extension).extend(sys.modules[name])
