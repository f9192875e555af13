#!/usr/bin/env python3
"""Checks that includes go where the modules' CMakeLists.txt say, and only downward.

    tools/check_layers.py [--root FOLDER]

src/CMakeLists.txt gives each module its layer (`add_subdirectory(net)  # L2`); a module may depend
on modules of lower layers only, named in its `ac_module(... DEPENDS ...)`; every
`#include "module/file.h"` must go to the own module or to one of those. cli/ and bench/ stand above
all of src/, and are held to their own DEPENDS.
"""
import argparse
import pathlib
import re
import sys

TOP_LAYER = 99
KEYWORDS = {"NAME", "DEPENDS", "LIBS", "TEST_LIBS"}


def read_layers(root):
    layers = {}
    for line in (root / "src/CMakeLists.txt").read_text().split("\n"):
        match = re.match(r"add_subdirectory\((\w+)\)\s*#\s*L(\d+)", line)
        if match:
            layers[match.group(1)] = int(match.group(2))
    return layers


def read_depends(text):
    """{module: set of modules} from ac_module(...) and, for programs, links to ac_<module>."""
    depends = {}
    for match in re.finditer(r"ac_module\(([^)]*)\)", text):
        words = match.group(1).split()
        name = words[words.index("NAME") + 1]
        depends.setdefault(name, set())
        if "DEPENDS" in words:
            for word in words[words.index("DEPENDS") + 1 :]:
                if word in KEYWORDS:
                    break
                depends[name].add(word)
    return depends


def linked_modules(text):
    return set(re.findall(r"\bac_(?!module\b|flags\b)(\w+)", text))


def layer_breaches(layers, depends):
    for module, targets in sorted(depends.items()):
        for target in sorted(targets):
            if target not in layers:
                yield f"{module}: depends on {target}, which is no module"
            elif layers[target] >= layers.get(module, TOP_LAYER):
                yield (f"{module} (L{layers.get(module)}) depends on {target} (L{layers[target]}): "
                       "only downward")


def include_breaches(root, folder, own, allowed, modules):
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".h", ".cpp") or "CMakeFiles" in path.parts:
            continue
        for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1).split("/")[0]
            place = f"{path.relative_to(root)}:{number}"
            if "/" not in match.group(1):
                if not (path.parent / match.group(1)).exists():
                    yield f"{place}: {match.group(1)} names no module"
            elif target in modules and target != own and target not in allowed:
                yield f"{place}: {own} may not include {target} (add it to DEPENDS, if it is lower)"


def breaches(root):
    layers = read_layers(root)
    depends = {}
    for module in layers:
        depends.update(read_depends((root / "src" / module / "CMakeLists.txt").read_text()))
    for module in layers:
        if module not in depends:
            yield f"{module}: src/{module}/CMakeLists.txt has no ac_module for it"
    yield from layer_breaches(layers, depends)
    modules = set(layers)
    for module in layers:
        allowed = depends.get(module, set())
        yield from include_breaches(root, root / "src" / module, module, allowed, modules)
    for outside in ("cli", "bench"):
        listing = root / outside / "CMakeLists.txt"
        if listing.exists():
            text = listing.read_text()
            allowed = linked_modules(text).union(*read_depends(text).values())
            yield from include_breaches(root, root / outside, outside, allowed, modules)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent)
    root = pathlib.Path(parser.parse_args().root).resolve()
    found = list(breaches(root))
    for breach in found:
        print(breach)
    print(f"layers: {len(read_layers(root))} modules, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
