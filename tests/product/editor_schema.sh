#!/bin/sh
# The schema that editors use agrees with `check`: every configuration that we hand out is good for
# both, and what is misspelt or of the wrong type is bad for both.
. "$(dirname "$0")/desk.inc"
place=$("$repo/ci/tool" jsonschema 2> tool.log) || {
    echo "skipped: $(tail -n 1 tool.log)"
    exit 0
}
export PYTHONPATH="$place"

for profile in drops rows; do
    "$SLUICE" init "$profile" --profile "$profile" --bridge messages.db --project P \
        --group 120363000000000001@g.us --yes > out 2>&1 || fail "init: $(cat out)"
done
python3 - "$SLUICE" "$repo" drops/sluice.yaml rows/sluice.yaml << 'P' || fail "the schema and check disagree"
import copy, glob, json, os, subprocess, sys, fastjsonschema, yaml

sluice, repo, *files = sys.argv[1:]
files += sorted(glob.glob(repo + "/config/*.yaml") + glob.glob(repo + "/config/examples/*/sluice.yaml"))
files = [f for f in files if not f.endswith("projects.yaml")]
schema = json.loads(subprocess.run([sluice, "schema"], stdout=subprocess.PIPE, check=True).stdout)
judge = fastjsonschema.compile(schema)
bad = 0


class Plain(yaml.SafeLoader):
    """Texts, numbers and switches; YAML 1.1's dates are not ours."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(("timestamp", "merge"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for first in "yYnNoO":  # `on:` is a name of ours, and no yes.
    Plain.yaml_implicit_resolvers[first] = [r for r in Plain.yaml_implicit_resolvers.get(first, []) if not r[0].endswith("bool")]


def says(config):
    try:
        judge(config)
        return ""
    except fastjsonschema.JsonSchemaValueException as fault:
        return fault.message


def complain(text):
    global bad
    bad += 1
    print(text)


def places(node, path=()):
    """Every map of the configuration, by its path."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from places(value, path + (key,))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from places(value, path + (index,))


def at(node, path):
    for part in path:
        node = node[part]
    return node


FREE = {"labels", "fields", "set", "insert", "update", "append", "columns", "table", "types", "json",
        "values", "sources", "sinks", "pipelines", "secrets", "inc", "push", "headers", "statements", "schema",
        "filter", "parameters"}
spoilt = 0
for file in files:
    config = yaml.load(open(file, encoding="utf-8"), Plain)
    fault = says(config)
    if fault:
        complain(f"{os.path.relpath(file, repo)}: the schema refuses it: {fault}")
    for path in places(config):
        if any(part in FREE for part in path[2:]) or (path and path[-1] in FREE):
            continue
        worse = copy.deepcopy(config)
        at(worse, path)["no_key_of_ours"] = 1
        spoilt += 1
        if not says(worse):
            complain(f"{os.path.relpath(file, repo)}: the schema takes an unknown key at {path}")
    for value in ([1], 7, {"a": {}}):
        for name in ("sources", "sinks", "pipelines"):
            worse = copy.deepcopy(config)
            worse[name] = value
            spoilt += 1
            if not says(worse):
                complain(f"{os.path.relpath(file, repo)}: the schema takes {name}: {value}")
print(f"{len(files)} configurations, {spoilt} spoilt ones")
sys.exit(1 if bad or spoilt < 100 else 0)
P
finish
