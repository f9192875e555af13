#!/usr/bin/env python3
"""Writes src/wire/tables/*.cpp from the service models inside the PyPI package botocore.

Only facts of the API are taken (names, URIs, constraints), no documentation text. Needed when the
pinned botocore changes, not to build. `--check` compares instead of writing.
Beside the models, tools/gen_wire_extra.json names operations that only newer clients have
("operations": name, plane, method, uri, status) and routes that other clients use for an operation
whose URI has changed ("routes": name, method, uri).
"""

import argparse
import gzip
import json
import pathlib
import sys

PINNED_BOTOCORE = "1.44.5"
ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ROOT / "src" / "wire" / "tables"
EXTRA = ROOT / "tools" / "gen_wire_extra.json"
PLANES = {"control": "bedrock-agentcore-control", "data": "bedrock-agentcore",
          "models": "bedrock-runtime", "catalogue": "bedrock"}
# Of AgentCore's planes every operation is wanted whole; of Bedrock's these, the rest by name and
# route only (a name that AgentCore has too is left out: paths tell operations apart, not services).
WHOLE = {
    "models": {"Converse", "ConverseStream", "CountTokens", "InvokeModel",
               "InvokeModelWithResponseStream"},
    "catalogue": {"GetFoundationModel", "GetInferenceProfile", "ListFoundationModels",
                  "ListInferenceProfiles"},
}
FOLDERS = ("common", *PLANES)
SHAPES_PER_FILE = 400

KINDS = {
    "structure": "structure", "list": "list", "map": "map", "string": "string",
    "integer": "integer", "long": "long_", "float": "float_", "double": "double_",
    "boolean": "boolean", "timestamp": "timestamp", "blob": "blob",
}
LOCATIONS = {"uri": "uri", "querystring": "query", "header": "header",
             "headers": "prefix_headers", "statusCode": "status_code"}
TIME_FORMATS = {"iso8601": "date_time", "rfc822": "http_date", "unixTimestamp": "epoch_seconds"}
UNCONSTRAINED = {"string", "integer", "long", "float", "double", "boolean"}


def load_models(botocore_folder):
    models = {}
    for plane, service in PLANES.items():
        newest = sorted((botocore_folder / "data" / service).glob("*/service-2.json*"))[-1]
        opener = gzip.open if newest.suffix == ".gz" else open
        with opener(newest, "rt", encoding="utf-8") as file:
            models[plane] = json.load(file)
    return models


def quote(text):
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif " " <= char <= "~":
            out.append(char)
        else:  # octal escapes end after three digits, hexadecimal ones would not
            out.extend(f"\\{byte:03o}" for byte in char.encode())
    out.append('"')
    return "".join(out).replace("??", "?\\?")


class ShapeSet:
    """Every shape that an operation reaches, under the C++ name it gets."""

    def __init__(self, models):
        self.models = models
        self.reached = {plane: set() for plane in models}
        for plane, model in models.items():
            for name, operation in model["operations"].items():
                for side in ("input", "output"):
                    if side in operation and is_whole(plane, name):
                        self._reach(plane, operation[side]["shape"])
        both = self.reached["control"] & self.reached["data"]
        self.common = {name for name in both if self._same(name)}
        # A shape whose parts differ between the planes differs itself.
        while True:
            broken = {n for n in self.common
                      if any(p in both and p not in self.common for p in self._parts("data", n))}
            if not broken:
                break
            self.common -= broken

    def _parts(self, plane, name):
        shape = self.models[plane]["shapes"][name]
        if self.is_document(shape):
            return []
        refs = list(shape.get("members", {}).values())
        refs += [shape[key] for key in ("member", "key", "value") if key in shape]
        return [ref["shape"] for ref in refs]

    def _reach(self, plane, name):
        pending = [name]
        while pending:
            name = pending.pop()
            if name not in self.reached[plane]:
                self.reached[plane].add(name)
                pending += self._parts(plane, name)

    def _same(self, name):
        a, b = (strip(self.models[plane]["shapes"][name]) for plane in ("control", "data"))
        return a == b

    @staticmethod
    def is_document(shape):
        return shape.get("document", False)

    def reference(self, plane, name):
        shape = self.models[plane]["shapes"][name]
        plain = plain_name(shape)
        if plain:
            return f"common::{plain}"
        shared = name in self.common and plane in ("control", "data")
        return f"{'common' if shared else plane}::k{identifier(name)}"

    def of(self, folder):
        """(plane to read it from, name) of each shape that belongs to a folder of names."""
        if folder == "common":
            names, plane = self.common, "data"
        else:
            shared = self.common if folder in ("control", "data") else set()
            names, plane = self.reached[folder] - shared, folder
        shapes = self.models[plane]["shapes"]
        return [(plane, name) for name in sorted(names) if not plain_name(shapes[name])]


def is_whole(plane, operation):
    return plane not in WHOLE or operation in WHOLE[plane]


def strip(node):
    if isinstance(node, dict):
        return {k: strip(v) for k, v in node.items()
                if k not in ("documentation",) and not k.startswith("deprecated")}
    if isinstance(node, list):
        return [strip(item) for item in node]
    return node


def identifier(name):
    return name[0].upper() + name[1:].replace("_", "")


def plain_name(shape):
    """All scalars without any rule are one shape."""
    if shape["type"] not in UNCONSTRAINED:
        return None
    if set(shape) - {"type", "documentation", "box", "sensitive"}:
        return None
    return f"kPlain{shape['type'].capitalize()}{'Sensitive' if shape.get('sensitive') else ''}"


def kind_of(shape):
    if ShapeSet.is_document(shape):
        return "document"
    if shape.get("eventstream"):
        return "event_stream"
    if shape.get("union"):
        return "union_"
    return KINDS[shape["type"]]


def members_of(shapes, plane, name):
    model = shapes.models[plane]["shapes"]
    shape = model[name]
    required = set(shape.get("required", []))
    rows = []
    for member, ref in shape.get("members", {}).items():
        target = model[ref["shape"]]
        location = LOCATIONS.get(ref.get("location"), "body")
        if shape.get("payload") == member:
            location = "payload"
        fields = {"name": quote(member), "location_name": quote(ref.get("locationName", member)),
                  "shape": "&" + shapes.reference(plane, ref["shape"])}
        tail = {}
        if location != "body":
            tail["location"] = f"Location::{location}"
        if target["type"] == "timestamp":
            default = {"header": "rfc822", "query": "iso8601"}.get(location, "unixTimestamp")
            stated = ref.get("timestampFormat", target.get("timestampFormat", default))
            if TIME_FORMATS[stated] != "epoch_seconds":
                tail["time_format"] = f"TimeFormat::{TIME_FORMATS[stated]}"
        if member in required:
            tail["required"] = "true"
        if ref.get("idempotencyToken"):
            tail["idempotency_token"] = "true"
        if target.get("streaming"):
            tail["streaming"] = "true"
        if set(tail) <= {"required"} and fields["name"] == fields["location_name"]:
            form = "required" if tail else "optional"
            rows.append(f"    {form}({fields['name']}, {fields['shape']}),\n")
        else:
            text = ", ".join(f".{key} = {value}" for key, value in (fields | tail).items())
            rows.append(f"    {{{text}}},\n")
    return rows


def shape_text(shapes, plane, name):
    model = shapes.models[plane]["shapes"]
    shape = model[name]
    cpp = identifier(name)
    kind = kind_of(shape)
    before = ""
    fields = [f".name = {quote(name)}", f".kind = Kind::{kind}"]
    for bound in ("min", "max"):
        if bound in shape and kind not in ("document",):
            fields += [f".has_{bound} = true"]
    for bound in ("min", "max"):
        if bound in shape and kind not in ("document",):
            fields += [f".{bound} = {shape[bound]}"]
    if "pattern" in shape:
        fields.append(f".pattern = {quote(shape['pattern'])}")
    if "enum" in shape:
        values = ", ".join(quote(value) for value in shape["enum"])
        before += f"constexpr std::string_view e{cpp}[] = {{{values}}};\n"
        fields.append(f".enum_values = e{cpp}")
    if kind in ("structure", "union_", "event_stream"):
        rows = members_of(shapes, plane, name)
        if rows:
            before += f"constexpr Member m{cpp}[] = {{\n{''.join(rows)}}};\n"
            fields.append(f".members = m{cpp}")
    if kind == "list":
        fields.append(f".element = &{shapes.reference(plane, shape['member']['shape'])}")
    if kind == "map":
        fields.append(f".element = &{shapes.reference(plane, shape['value']['shape'])}")
        fields.append(f".key = &{shapes.reference(plane, shape['key']['shape'])}")
    if shape.get("sensitive"):
        fields.append(".sensitive = true")
    return f"{before}constinit const Shape k{cpp} = {{{', '.join(fields)}}};\n"


def plain_shapes():
    for scalar in sorted(UNCONSTRAINED):
        for sensitive in (False, True):
            shape = {"type": scalar, "sensitive": sensitive}
            name = plain_name({k: v for k, v in shape.items() if v})
            yield name, scalar, sensitive


HEAD = """// Generated by tools/gen_wire.py from botocore {version}. Do not edit.
{pragma}#include {include}

namespace ac::wire::tables{inner} {{
"""


def head(include, inner="", pragma=""):
    return HEAD.format(version=PINNED_BOTOCORE, include=include, inner=inner, pragma=pragma)


def shapes_header(shapes):
    text = head('"wire/operation.h"', pragma="#pragma once\n") + """
// A body member that is called the same on the wire.
constexpr Member optional(std::string_view name, const Shape* shape) {
    return {.name = name, .location_name = name, .shape = shape};
}
constexpr Member required(std::string_view name, const Shape* shape) {
    return {.name = name, .location_name = name, .shape = shape, .required = true};
}

"""
    for folder in FOLDERS:
        names = [f"k{identifier(name)}" for _, name in shapes.of(folder)]
        if folder == "common":
            names += [name for name, _, _ in plain_shapes()]
        text += f"namespace {folder} {{\n"
        text += "".join(f"extern const Shape {name};\n" for name in sorted(names))
        text += f"}}  // namespace {folder}\n"
    return text + "}  // namespace ac::wire::tables\n"


def shape_files(shapes):
    files = {}
    for folder in FOLDERS:
        entries = shapes.of(folder)
        for start in range(0, len(entries), SHAPES_PER_FILE):
            text = head('"wire/tables/shapes.h"', f"::{folder}")
            text += "".join(shape_text(shapes, plane, name)
                            for plane, name in entries[start:start + SHAPES_PER_FILE])
            if folder == "common" and start == 0:
                for name, scalar, sensitive in plain_shapes():
                    secret = ", .sensitive = true" if sensitive else ""
                    text += (f"constinit const Shape {name} = {{.name = {quote(scalar)}, "
                             f".kind = Kind::{KINDS[scalar]}{secret}}};\n")
            text += f"}}  // namespace ac::wire::tables::{folder}\n"
            files[f"{folder}_{start // SHAPES_PER_FILE + 1}.cpp"] = text
    return files


def operation_rows(shapes, extra):
    rows = {}
    for plane, model in shapes.models.items():
        for name, operation in model["operations"].items():
            if not is_whole(plane, name) and name in rows:
                continue
            assert name not in rows, f"{name} is in two planes"
            http = operation["http"]
            rows[name] = {
                "plane": plane, "method": http["method"], "uri": http["requestUri"],
                "status": http.get("responseCode", 200), "input": "nullptr", "output": "nullptr",
                "errors": tuple(sorted(error["shape"] for error in operation["errors"])),
            }
            if is_whole(plane, name):
                for side in ("input", "output"):
                    rows[name][side] = "&" + shapes.reference(plane, operation[side]["shape"])
    for row in extra["operations"]:
        if row["name"] in rows:
            sys.exit(f"gen_wire: {row['name']} is in botocore now; drop it from {EXTRA.name}")
        rows[row["name"]] = {**row, "input": "nullptr", "output": "nullptr", "errors": ()}
    return rows


def operations_file(shapes, extra):
    rows = operation_rows(shapes, extra)
    sets = {errors: f"kErrors{i}" for i, errors in
            enumerate(sorted({row["errors"] for row in rows.values() if row["errors"]}))}
    text = (f'// Generated by tools/gen_wire.py from botocore {PINNED_BOTOCORE}. Do not edit.\n'
            '#include "wire/tables/operations.h"\n\n#include "wire/tables/shapes.h"\n\n'
            "namespace ac::wire::tables {\nnamespace {\n")
    for errors, name in sets.items():
        text += f"constexpr std::string_view {name}[] = {{{', '.join(map(quote, errors))}}};\n"
    text += "constexpr OperationSpec kOperations[] = {\n"
    for name in sorted(rows):
        row = rows[name]
        errors = f", .errors = {sets[row['errors']]}" if row["errors"] else ""
        text += (f"    {{.name = {quote(name)}, .plane = Plane::{row['plane']}, "
                 f".method = {quote(row['method'])}, .uri = {quote(row['uri'])}, "
                 f".status = {row['status']}, .input = {row['input']}, "
                 f".output = {row['output']}{errors}}},\n")
    text += "};\nconstexpr RouteAlias kAliases[] = {\n"
    for alias in extra["routes"]:
        assert alias["name"] in rows, alias
        text += (f"    {{.operation = {quote(alias['name'])}, .method = {quote(alias['method'])}, "
                 f".uri = {quote(alias['uri'])}}},\n")
    return text + """};
}  // namespace

std::span<const OperationSpec> sorted_operations() {
    return kOperations;
}

std::span<const RouteAlias> route_aliases() {
    return kAliases;
}
}  // namespace ac::wire::tables
"""


def generate(botocore_folder):
    shapes = ShapeSet(load_models(botocore_folder))
    extra = json.loads(EXTRA.read_text())
    files = {"shapes.h": shapes_header(shapes), "operations.cpp": operations_file(shapes, extra)}
    files.update(shape_files(shapes))
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the tree, write nothing")
    arguments = parser.parse_args()
    try:
        import botocore
    except ImportError:
        sys.exit(f"gen_wire: needs the Python package botocore=={PINNED_BOTOCORE}")
    if botocore.__version__ != PINNED_BOTOCORE:
        sys.exit(f"gen_wire: needs botocore=={PINNED_BOTOCORE}, this is {botocore.__version__}")
    files = generate(pathlib.Path(botocore.__file__).parent)

    stale = {path.name for path in TABLES.glob("*.cpp")} - set(files)
    if not arguments.check:
        for name in stale:
            (TABLES / name).unlink()
        for name, text in files.items():
            (TABLES / name).write_text(text)
        return
    wrong = sorted(stale) + sorted(name for name, text in files.items()
                                   if not (TABLES / name).is_file()
                                   or (TABLES / name).read_text() != text)
    if wrong:
        sys.exit(f"gen_wire: not what the generator writes: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
