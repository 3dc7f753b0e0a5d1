"""What compose.yaml has to keep to. Reads it from standard input, and says each rule that it breaks.

    compose_rules.py                judge; exit code 1 when a rule is broken
    compose_rules.py entrypoint     the script that starts the browser
"""

import sys

import yaml

BROWSER_PORTS = {"4444", "5900", "7900"}


def broken(compose):
    services = compose["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            if not isinstance(port, str) or not port.startswith("127.0.0.1:"):
                yield f"{name} publishes {port} beyond this machine"
        if "network_mode" in service and service["network_mode"] == "host":
            yield f"{name} takes the machine's own network"
        if service.get("privileged"):
            yield f"{name} is privileged"
        environment = service.get("environment", {})
        for key, value in environment.items():
            if any(word in key for word in ("PASSWORD", "SECRET", "TOKEN", "_KEY")) and value not in ("", "${VNC_PASSWORD:-}"):
                yield f"{name} has a password in it: {key}"
        if str(environment.get("SE_VNC_NO_PASSWORD", "")).lower() in ("true", "1"):
            yield f"{name} shows its screen without a password"
    yield from broken_chrome(compose, services["chrome"], services["sluice"])
    yield from broken_sluice(services["sluice"])


def broken_chrome(compose, chrome, sluice):
    inner = {str(port).rsplit(":", 1)[1] for port in chrome["ports"]}
    if inner != BROWSER_PORTS:
        yield f"the browser's ports are {sorted(inner)}"
    if chrome.get("hostname") != "chrome":
        yield "the browser has no fixed host name"
    if "shm_size" not in chrome:
        yield "the browser has no shm_size"
    if not any(volume.startswith("session:") for volume in chrome["volumes"]):
        yield "the browser's login lies in no volume"
    shared = set(chrome["networks"]) & set(sluice["networks"])
    for name in shared:
        if not (compose["networks"][name] or {}).get("internal"):
            yield f"the browser can be reached over {name}, which is not internal"
    if not shared:
        yield "sluice and the browser share no network"


def broken_sluice(sluice):
    if not sluice.get("read_only"):
        yield "sluice can write to its root"
    if sluice.get("cap_drop") != ["ALL"] or "cap_add" in sluice:
        yield "sluice keeps capabilities"
    if "no-new-privileges:true" not in sluice.get("security_opt", []):
        yield "sluice may gain privileges"
    if sluice["healthcheck"]["test"] != ["CMD", "/sluice", "health", "--live"]:
        yield "sluice's healthcheck is another one"
    if not any(volume.endswith(":/data") and volume[0] not in "./" for volume in sluice["volumes"]):
        yield "sluice's data lies in no volume"
    on_chrome = sluice.get("depends_on", {}).get("chrome", {})
    if on_chrome.get("required") is not False:
        yield "sluice cannot start without the browser"


compose = yaml.safe_load(sys.stdin)
if sys.argv[1:] == ["entrypoint"]:
    print(compose["services"]["chrome"]["entrypoint"][2].replace("$$", "$"))
    sys.exit(0)
found = list(broken(compose))
print("\n".join(found))
sys.exit(1 if found else 0)
