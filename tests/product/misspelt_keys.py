#!/usr/bin/env python3
"""Every key of every profile, misspelt in turn: `check` names just that line and column.

Names that people give (of sources, sinks, pipelines, columns, labels, fields) are no keys of ours
and are left alone.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLUICE = os.environ["SLUICE"]
NAMED = {"sources", "sinks", "pipelines"}  # What stands below has names of people's own.
FREE = {"labels", "fields", "rename", "add", "inc", "push", "parameters", "set", "insert", "update", "append", "inc", "push", "columns", "table", "types", "json", "values"}
KEY = re.compile(r"^( *)((?:- )*)([A-Za-z_]+):(?= |$)")


def keys_of(lines):
    """(line, column, key) of each key of ours; lines and columns count from 1."""
    stack = []  # (indent, key)
    for number, line in enumerate(lines, 1):
        found = KEY.match(line)
        flow_at = 0
        if found:
            indent = len(found.group(1)) + len(found.group(2))
            while stack and stack[-1][0] >= indent:
                stack.pop()
            path = [key for _, key in stack]
            key = found.group(3)
            stack.append((indent, key))
            name = len(path) == 1 and path[0] in NAMED
            if any(key in FREE for key in path):
                continue
            if not name:
                yield number, indent + 1, key
            flow_at = found.end()
            if key in FREE:
                continue
        elif not line.lstrip().startswith("- {") or any(key in FREE for _, key in stack):
            continue
        depth, last, quote = 0, None, None
        for at in range(flow_at, len(line)):
            letter = line[at]
            if quote:
                quote = None if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            elif letter == "#" and line[at - 1] == " ":
                break
            elif letter in "{[":
                depth += 1
                last = letter
            elif letter in "}]":
                depth -= 1
            if quote is None and depth == 1 and last == "{" and letter in "{,":
                inner = re.match(r"[{,] *([A-Za-z_]+):(?= )", line[at:])
                if inner:
                    yield number, at + inner.start(1) + 1, inner.group(1)


def check(folder, config, chosen=False):
    env = {"WHATSAPP_DB_PATH": "messages.db", "PATH": os.environ["PATH"]}
    if chosen:  # What stands below `then` counts with it, what stands below `else` without.
        env["NEON_DATABASE_URL"] = "postgresql://desk:invented@localhost/desk"
    return subprocess.run(
        [SLUICE, "--config", config, "--plain", "check"],
        cwd=folder, env=env, capture_output=True, text=True, timeout=20, check=False)


def named(done, place):
    return done.returncode == 78 and any(one.startswith(place) for one in done.stderr.split("\n"))


def main():
    bad = tried = 0
    profiles = [("config", "drops.yaml", "drops.yaml"), ("config", "demo.yaml", "demo.yaml"),
                ("config", "drops.yaml", "projects.yaml")]
    examples = os.path.join(ROOT, "config", "examples")
    for name in sorted(os.listdir(examples)):
        if os.path.exists(os.path.join(examples, name, "sluice.yaml")):
            profiles.append((f"config/examples/{name}", "sluice.yaml", "sluice.yaml"))
    for folder, config, file in profiles:
        with tempfile.TemporaryDirectory() as work:
            work = os.path.join(work, "profile")
            shutil.copytree(os.path.join(ROOT, folder), work)
            path = os.path.join(work, file)
            with open(path, encoding="utf-8") as source:
                lines = source.read().split("\n")
            sound = check(work, config)
            if sound.returncode != 0:
                print(f"FAILED: {folder}/{config} has mistakes as it is: {sound.stderr}")
                return 1
            for number, column, key in keys_of(lines):
                mutant = list(lines)
                line = mutant[number - 1]
                mutant[number - 1] = line[:column - 1] + key + "qq" + line[column - 1 + len(key):]
                with open(path, "w", encoding="utf-8") as target:
                    target.write("\n".join(mutant))
                done = check(work, config)
                place = f"{file}:{number}:{column}: error[E0107]"
                tried += 1
                if not named(done, place) and not named(check(work, config, True), place):
                    bad += 1
                    print(f"FAILED: {folder}/{file}: {key}qq at {place}: exit {done.returncode}\n{done.stderr[:400]}")
            with open(path, "w", encoding="utf-8") as target:
                target.write("\n".join(lines))
    print(f"{tried} keys misspelt, {bad} not named where they stand")
    return 1 if bad or tried < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
