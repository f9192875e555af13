"""Run by Python at its start: adds the import hook, then lets another sitecustomize have its turn.

There can be only one module of this name; one that stands further down the path (a distribution's,
an instrumentation's) is run too, so that this one hides nobody.
"""
import importlib.machinery
import os
import sys


def _run_next():
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is None or spec.loader is None or not spec.origin or spec.origin == __file__:
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if os.environ.get("AGENTCORED_COMPAT", "1") != "0":
    import agentcored_compat

    agentcored_compat.install()

import importlib.util  # noqa: E402

_run_next()
