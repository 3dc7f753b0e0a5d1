#!/bin/sh
# The image of Containerfile in podman: its size, its user, its health, its volumes, its end; compose.yaml.
#
# The last step of the image alone, with the program that is being tested: no registry is asked. With
# CONTAINER=whole the builder's step too, on a Debian made by debootstrap (minutes; docs/testing.md).
#
# Everything that is mounted is mounted in a namespace of this test, and goes with it.
if [ "$(id -u)" = 0 ] && [ -z "${CONTAINER_MOUNTS:-}" ]; then
    unshare -m true 2> /dev/null || { echo "skipped: this machine lets nobody have mounts of its own"; exit 0; }
    CONTAINER_MOUNTS=own exec unshare -m sh "$0"
fi
. "$(dirname "$0")/desk.inc"
tool() { SLUICE_CACHE=${SLUICE_CACHE:-$HOME/.cache/sluice} "$repo/ci/tool" "$1" 2> tool.log; }
podman=$(tool podman) || { echo "skipped: podman cannot be had: $(tail -n 1 tool.log)"; exit 0; }
# Both generations of cgroups at once: crun would take the wrong one.
[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified 2> /dev/null

# Storage of its own below the test's folder. `podman` says that systemd is not there to ask for the
# health from time to time: the test asks itself.
pod() { "$podman" --root "$folder/images" --runroot "$folder/run" --tmpdir "$folder/pod" --cgroup-manager cgroupfs "$@"; }
end() {
    pod rm --all --force --time 0 > /dev/null 2>&1
    umount "$folder"/images/overlay "$folder"/images/overlay/*/merged 2> /dev/null
    cleanup
}
trap end EXIT

# Can podman run anything here? The program alone in an image; where there are no cgroups, without.
limits=''
tar -c -C "$(dirname "$SLUICE")" "$(basename "$SLUICE")" | pod import - localhost/trial > trial.log 2>&1
try() { pod run --rm --network none $limits localhost/trial "/$(basename "$SLUICE")" version > trial.out 2> trial.log; }
if ! try; then
    limits="--cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
    try || { echo "skipped: podman cannot run a container here: $(tail -n 1 trial.log)"; exit 0; }
    echo "note: without cgroups, which podman cannot use here"
fi

# --- the image
# A copy of what the build is made from, so that the checkout stays as it is.
mkdir -p context/zig-out
cp "$repo/Containerfile" "$repo/.containerignore" context
SLUICE_CACHE=${SLUICE_CACHE:-$HOME/.cache/sluice} "$repo/ci/image" "$SLUICE" context/zig-out/image || fail "ci/image fails"
pod build --format docker --target ready -t localhost/sluice context > build.log 2>&1 || {
    fail "the image does not build: $(tail -n 5 build.log)"
    finish
}
if [ "${CONTAINER:-}" = whole ]; then
    . "$repo/tests/product/container_whole.inc"
fi
inspect() { pod image inspect localhost/sluice --format "$1"; }
size=$(inspect '{{.Size}}')
[ "$size" -lt 8000000 ] || fail "the image has $size bytes"
echo "image: $size bytes"
is "user" "$(inspect '{{.Config.User}}')" 10001:10001
is "health check" "$(inspect '{{json .HealthCheck.Test}}')" '["CMD","/sluice","health","--live"]'
is "volumes" "$(inspect '{{json .Config.Volumes}}')" '{"/config":{},"/data":{},"/secrets":{},"/session":{}}'

# Run as it is meant to be run. start NAME OPTIONS...
hard="--read-only --cap-drop=all --security-opt no-new-privileges --network none $limits"
start() {
    name=$1
    shift
    pod run -d --name "$name" $hard "$@" localhost/sluice > /dev/null 2> podman.log && return
    fail "$name does not start: $(tail -n 3 podman.log)"
    finish
}
# The store lies in the volume of that name, which podman makes; the bridge's file beside it.
volumes="-v $folder/config:/config:ro -v $folder/bridge:/bridge:ro"
place() { pod volume inspect "$1" --format '{{.Mountpoint}}'; }
said() { pod logs "$1" 2>&1; }
says() { said "$1" | grep -q -e "$2"; }
health() { pod inspect "$1" --format '{{.State.Health.Status}}'; }
probe() { pod healthcheck run "$1" > probe.log 2>&1; }
# ended NAME: stop it; how long it took, and its exit code.
ended() {
    before=$(now_ms)
    pod stop --time 20 "$1" > podman.log 2>&1
    took=$(($(now_ms) - before))
    is "exit code of $1" "$(pod inspect "$1" --format '{{.State.ExitCode}}')" 0
    [ "$took" -lt 10000 ] || fail "$1 took $took ms to end"
}

# What a run outside of a container makes of it is what has to be there.
desk 2
fill 1 20000 2
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
outcome expected
expected_rows=$(rows)
expected_blocks=$(blocks)
rm -rf data
mkdir config bridge
mv messages.db* bridge
sed 's#path: messages.db#path: /bridge/messages.db#' sluice.yaml > config/sluice.yaml
cp projects.yaml config
chmod -R a+rX config bridge
# mktemp's folder is its owner's alone, and a container's user has to pass.
chmod a+x "$folder"

start first -v desk:/data $volumes
ln -s "$(place desk)" data
await 30 rows_are "$expected_rows" || fail "in the container $(rows) reviews, expected $expected_rows: $(said first)"
pid=$(pod inspect first --format '{{.State.Pid}}')
is "who runs it" "$(awk '/^Uid:/ { print $2, $3 }' "/proc/$pid/status")" "10001 10001"
is "capabilities" "$(awk '/^Cap(Prm|Eff|Bnd):/ { print $2 }' "/proc/$pid/status" | sort -u)" 0000000000000000
is "no new privileges" "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")" 1
is "mode of the store" "$(stat -c '%a %u' data/sluice.db)" "600 10001"

# Health, as an orchestrator asks for it; no shell, no curl.
probe first || fail "the health check fails: $(cat probe.log)"
is "health" "$(health first)" healthy
kill -STOP "$pid"
before=$(now_ms)
probe first && fail "a process that stands still is healthy"
took=$(($(now_ms) - before))
echo "the health check gave up after $took ms"
[ "$took" -lt 10000 ] || fail "the health check takes $took ms to give up: longer than its timeout"
# Failures count from the tenth second on, and three of them make it unhealthy.
unhealthy() { probe first; [ "$(health first)" = unhealthy ]; }
await 40 unhealthy || fail "health of one that stands still: $(health first)"
kill -CONT "$pid"
probe first || fail "thawed, it is not healthy again: $(cat probe.log)"
is "health when thawed" "$(health first)" healthy
has "status by exec" "$(pod exec first sluice status)" "20,000"
pod exec first sluice backup --keep 14 > saved 2>&1 || fail "a backup: $(cat saved)"
has "the backup's place" "$(ls "$(place desk)/backups")" .tar.gz
pod exec first sluice run --dry-run > dry 2>&1 || fail "a dry run on a root that is read-only: $(cat dry)"
ended first
echo "ended in $took ms"
outcome first.txt
cmp -s first.txt expected || fail "the container's records are others: $(diff first.txt expected | head -n 5)"

# Made anew on the same volume: nothing lost, nothing doubled, and it goes on where the other was.
pod rm first > podman.log 2>&1
start second -v desk:/data $volumes -e PORT=9191
await 20 says second "listening on 0.0.0.0 port 9191" || fail "\$PORT is not honoured: $(said second)"
probe second || fail "the health check does not follow \$PORT: $(cat probe.log)"
outcome second.txt
cmp -s second.txt expected || fail "made anew, the records are others: $(diff second.txt expected | head -n 5)"
mv bridge/messages.db* .
"$STAGE" fill messages.db 20001 2000 2
chmod a+r messages.db*
mv messages.db* bridge
more() { [ "$(rows)" -gt "$expected_rows" ]; }
await 30 more || fail "made anew, it does not go on: $(said second)"
ended second
[ "$(blocks)" -ge "$expected_blocks" ] || fail "blocks went from $expected_blocks to $(blocks)"
is "messages" "$(archived)" 22000
pod rm second > podman.log 2>&1

# Somebody else's user and a fresh volume: it says what to do.
start stranger --user 4321:4321 -v fresh:/data $volumes
gone() { [ "$(pod inspect "$1" --format '{{.State.Status}}')" = exited ]; }
await 10 gone stranger || fail "it runs with a data folder that it may not write to"
has "a folder that it may not write to" "$(said stranger)" "this is user 4321, and /data belongs to user 10001"
has "what to do then" "$(said stranger)" "chown -R 4321"

# No configuration: said, with the path.
start empty
await 10 gone empty || fail "it runs without a configuration"
has "without a configuration" "$(said empty)" "/config/sluice.yaml"

# A secret's file in the mount for them may be 0444, as orchestrators make it; beside the configuration not.
mkdir secrets
printf 'open sesame, and let nobody else in\n' | tee secrets/door > config/door
chmod -R a+rX secrets config
secret_in() {
    sed 's#^sinks:#secrets: {door: "file:'"$1"'"}\nsinks:\n  web: {kind: http, url: "https://a.example/x", headers: {Door: "secret:door"}}#' \
        config/sluice.yaml > config/secret.yaml
    pod run --rm $hard $volumes -v "$folder/secrets:/secrets:ro" localhost/sluice check --config /config/secret.yaml > checked 2>&1
}
secret_in /config/door && fail "a secret that everybody can read is taken"
has "a secret that everybody can read" "$(cat checked)" E0704
secret_in /secrets/door || fail "a secret of the mount for secrets is refused: $(cat checked)"

# The browser's login is sealed as its user, from a volume that only that one can read, and that serve's
# container has not taken over; the group is the image's, which reads the secrets.
pod run --rm $hard -v login:/session localhost/sluice version > podman.log 2>&1 || fail "version: $(cat podman.log)"
login=$(place login)
is "whose the login is" "$(stat -c '%u:%g %a' "$login")" "1200:1201 700"
mkdir sealed
mkdir "$login/Default"
echo cookie > "$login/Default/Cookies"
chown -R 1200:1201 "$login" sealed
: > config/.env
chown -R :10001 config/.env secrets
chmod -R u=rwX,g=rX,o= config/.env secrets
pod run --rm --user 1200:10001 $hard -v login:/session -v "$folder/sealed:/sealed" $volumes -v "$folder/secrets:/secrets:ro" localhost/sluice \
    session seal /sealed/login.sealed --profile /session --key door --config /config/secret.yaml > sealing 2>&1 || fail "sealing: $(cat sealing)"
[ -s sealed/login.sealed ] || fail "there is no sealed login: $(cat sealing)"

# --- compose.yaml
compose=$(tool podman-compose) || { echo "skipped: podman-compose cannot be had: $(tail -n 1 tool.log)"; finish; }
rules() { PYTHONPATH=$compose PYTHONDONTWRITEBYTECODE=1 python3 "$repo/tests/product/compose_rules.py" "$@"; }
PYTHONPATH=$compose PYTHONDONTWRITEBYTECODE=1 python3 -m podman_compose -f "$repo/compose.yaml" config > composed 2> compose.log ||
    fail "podman-compose: $(tail -n 3 compose.log)"
for one in "$repo/compose.yaml" composed; do
    rules < "$one" > broken || fail "compose.yaml: $(cat broken)"
done
# refuses WHAT SED: the rules see it.
refuses() {
    sed -e "$2" "$repo/compose.yaml" > wrong.yaml
    cmp -s wrong.yaml "$repo/compose.yaml" && fail "$1: nothing was changed"
    rules < wrong.yaml > broken && fail "the rules let this pass: $1"
}
refuses "WebDriver for everybody" 's/127.0.0.1:4444:4444/4444:4444/'
refuses "a screen on every address" 's/127.0.0.1:7900:7900/0.0.0.0:7900:7900/'
refuses "a password for everybody" 's/\${VNC_PASSWORD:-}/swordfish/'
refuses "a network that leads outside" 's/internal: true/internal: false/'
refuses "a browser that must be there" 's/required: false/required: true/'

# The browser's start never takes the password that its image has.
mkdir -p opt
printf '#!/bin/sh\necho "$SE_VNC_PASSWORD"\n' > opt/start
chmod +x opt/start
rules entrypoint < "$repo/compose.yaml" | sed "s#/opt/bin/entry_point.sh#$folder/opt/start#" > browser.sh
once=$(SE_VNC_PASSWORD='' bash browser.sh)
is "length of a random password" "${#once}" 8
[ "$once" != "$(SE_VNC_PASSWORD='' bash browser.sh)" ] || fail "the random password is always the same"
is "a password of one's own" "$(SE_VNC_PASSWORD=gh67-Tz0 bash browser.sh)" gh67-Tz0
SE_VNC_PASSWORD=secret bash browser.sh > out 2> err
is "exit code with the image's password" $? 78
has "why" "$(cat err)" VNC_PASSWORD
finish
