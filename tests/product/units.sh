#!/bin/sh
# The systemd units that we ship are ones, and call what the program takes.
. "$(dirname "$0")/desk.inc"

for unit in prod dev; do
    file=$repo/config/systemd/wa-monitor-$unit.service
    # Every command line of it is one that sluice understands.
    sed -n 's/^ExecStart\(Pre\)\{0,1\}=\/usr\/local\/bin\/sluice //p' "$file" > commands
    is "commands of $unit" "$(wc -l < commands)" 2
    while read -r command; do
        # shellcheck disable=SC2086
        "$SLUICE" help ${command##* } > out 2>&1 || fail "$unit: there is no such command: $command"
    done < commands
    has "$unit" "$(cat "$file")" "WorkingDirectory=/opt/wa-monitor/$unit"
    has "$unit" "$(cat "$file")" "SLUICE_DATA=/var/lib/wa-monitor-$unit"
done
if command -v systemd-analyze > /dev/null; then
    for unit in prod dev; do # With programs that are there.
        sed "s,/usr/local/bin/sluice,$SLUICE," "$repo/config/systemd/wa-monitor-$unit.service" > wa-monitor-$unit.service
        said=$(systemd-analyze verify "./wa-monitor-$unit.service" 2>&1 | grep "wa-monitor-$unit") || :
        is "systemd-analyze verify of $unit" "$said" ""
    done
else
    echo "systemd-analyze is not installed: the units were only read, not verified"
fi
finish
