"""schema.py SCHEMA FILE [--lines]: is the JSON in the file what the schema says? Every line with --lines.

Knows what the schemas of docs/reference/json use and refuses other words, so that none is believed to
be checked that is not.
"""
import json
import re
import sys

KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required",
    "additionalProperties", "items", "enum", "const", "pattern", "anyOf",
}
TYPES = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def faults(schema, value, root, path):
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"the schema uses {sorted(unknown)}, which this test does not know"
    if "$ref" in schema:
        if not schema["$ref"].startswith("#/$defs/"):
            yield f"{path}: {schema['$ref']} is outside of the file"
            return
        yield from faults(root["$defs"][schema["$ref"][8:]], value, root, path)
    if "anyOf" in schema:
        if all(list(faults(one, value, root, path)) for one in schema["anyOf"]):
            yield f"{path}: {value!r} is none of the choices"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[name](value) for name in types):
        yield f"{path}: {value!r} is no {' or '.join(types)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from faults(schema["items"], item, root, f"{path}[{index}]")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{path}: '{name}' is missing"
        for name, item in value.items():
            more = schema.get("additionalProperties", True)
            if name in properties:
                yield from faults(properties[name], item, root, f"{path}.{name}")
            elif more is False:
                yield f"{path}: '{name}' is not in the schema"
            elif isinstance(more, dict):
                yield from faults(more, item, root, f"{path}.{name}")


def no_twins(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError(f"a key stands twice among {names}")
    return dict(pairs)


def main():
    schema = json.load(open(sys.argv[1], encoding="utf-8"))
    text = open(sys.argv[2], encoding="utf-8").read()
    parts = text.splitlines() if "--lines" in sys.argv else [text]
    if "--lines" not in sys.argv and (not text.endswith("\n") or text.count("\n") != 1):
        sys.exit("the output is not one line")
    found = []
    for part in parts:
        value = json.loads(part, object_pairs_hook=no_twins)
        found += list(faults(schema, value, schema, "$"))
    for fault in found[:10]:
        print(fault)
    sys.exit(1 if found else 0)


main()
