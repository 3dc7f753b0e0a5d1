#!/bin/sh
# A real Prometheus scrapes /metrics, its rules are those of config/prometheus, and the dashboard asks for what there is.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
promtool=$("$repo/ci/tool" promtool) || { echo "skipped: there is no Prometheus"; exit 0; }
"$promtool" check rules "$repo/config/prometheus/sluice-rules.yaml" > out 2>&1 || fail "check rules: $(cat out)"
(cd "$repo/config/prometheus" && "$promtool" test rules sluice-rules-test.yaml) > out 2>&1 || fail "test rules: $(cat out)"
free() { PYTHONPATH=$repo/tests/product PYTHONDONTWRITEBYTECODE=1 python3 -c 'import http_rig; print(http_rig.free_port())'; }
port=$(free)
watch=$(free)
desk 1
printf 'http: {listen: "127.0.0.1:%s"}\n' "$port" >> sluice.yaml
post "'DR10000009 fine'"
serve
await 20 rows_are 1 || fail "nothing is delivered"
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR10000001 is refused'"
token=$("$SLUICE" token add prometheus --scope metrics 2> /dev/null)
sed 's/for: 1m$/for: 1s/' "$repo/config/prometheus/sluice-rules.yaml" > rules.yaml
cat > prometheus.yml << END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - job_name: sluice
    authorization: {credentials: "$token"}
    static_configs: [{targets: ["127.0.0.1:$port"]}]
END
"$promtool" check config prometheus.yml > out 2>&1 || fail "check config: $(cat out)"
"$(dirname "$promtool")/prometheus" --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$watch" > prometheus.log 2>&1 &
watching=$!
trap 'kill "$watching" 2> /dev/null; cleanup' EXIT
cat > ask.py << 'END'
"""ask.py PORT DASHBOARD: what Prometheus has, its rules, and each question of the dashboard."""
import json
import sys
import time
import urllib.parse
import urllib.request

base = f"http://127.0.0.1:{sys.argv[1]}/api/v1/"


def get(path):
    return json.load(urllib.request.urlopen(base + path))["data"]


def ask(expr):
    return get("query?" + urllib.parse.urlencode({"query": expr}))["result"]


def wait(what, holds):
    for _ in range(300):
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what}: {get('targets')['activeTargets']} {get('alerts')}")


wait("up", lambda: [one["value"][1] for one in ask('up{job="sluice"}')] == ["1"])
wait("dead letters", lambda: [(one["metric"]["sink"], one["value"][1]) for one in ask("sluice_dead_letters")] == [("records", "1")])
wait("the alert", lambda: [one["labels"]["alertname"] for one in get("alerts")["alerts"] if one["state"] == "firing"] == ["SluiceDeadLetters"])
time.sleep(3)  # For rates.
rules = [rule for group in get("rules")["groups"] for rule in group["rules"]]
assert len(rules) == 10 and all(rule["health"] == "ok" for rule in rules), rules
names = set(get("label/__name__/values"))
missing = []
for panel in json.load(open(sys.argv[2]))["panels"]:
    for target in panel["targets"]:
        found = ask(target["expr"])
        # Of a session there is none here, and a rate needs minutes; but their names must be known.
        used = [word for word in target["expr"].replace("(", " ").replace("[", " ").split() if word.startswith(("sluice_", "process_"))]
        if not found and not any(name in names for name in used) and "session" not in target["expr"]:
            missing.append((panel["title"], target["expr"]))
assert not missing, missing
types = {name: one[0]["type"] for name, one in get("metadata").items() if name.startswith("sluice_")}
assert len(types) > 15, types
END
python3 ask.py "$watch" "$repo/config/grafana/sluice.json" || fail "Prometheus: $(tail -n 5 prometheus.log)"
stop
finish
