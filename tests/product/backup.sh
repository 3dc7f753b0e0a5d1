#!/bin/sh
# Backups taken under load beside a running serve, restored elsewhere, and the work goes on: nothing
# is lost and nothing is done twice. Damaged, foreign and newer backups are refused, killed backups
# and restores leave nothing that could be taken for whole.
. "$(dirname "$0")/desk.inc"

total=120000 part=20000

# The undisturbed run.
desk 5
fill 1 $total 5
"$SLUICE" run 2>> sluice.log > /dev/null
outcome expected
is "reviews" "$(rows)" 5400
rm -rf data messages.db*

# Under load: three backups while messages come in and go out.
bridge
fill 1 1000 5
serve
await 20 rows_are 45 || fail "serve does not begin"
first=1
while [ $first -le $total ]; do
    fill $first $part 5 &
    filling=$!
    first=$((first + part))
    case $first in
        20001 | 60001 | 100001)
            "$SLUICE" backup backups/ >> backups.log 2>> sluice.log
            is "exit code of a backup under load" $? 0
            ;;
    esac
    wait $filling
done
"$SLUICE" backup last.tar.gz > out 2>> sluice.log
is "exit code of the last backup" $? 0
kill9
count=$(ls backups | wc -l)
is "backups" "$count" 3
is "what is left of making them" "$(ls -a backups | grep -c '^\.sluice')" 0
cp data/records.db* . 2> /dev/null
cp data/sluice.db original.db; cp data/sluice.db-wal original.db-wal 2> /dev/null

# Each is sound, and goes on from where it was, with the targets of then.
for one in backups/*.tar.gz last.tar.gz; do
    "$SLUICE" restore --verify "$one" > out 2> err
    is "exit code of verifying $one" $? 0
    has "verifying" "$(cat out)" "sound: made"
    rm -rf data
    "$SLUICE" restore "$one" > out 2> err
    is "exit code of restoring $one" $? 0
    echo "$(archived) of $total messages were in $one"
    "$SLUICE" run 2>> sluice.log > /dev/null
    is "exit code of the run behind $one" $? 0
    outcome found
    cmp expected found || fail "$one: the reviews are not those of an undisturbed run"
    is "messages in the archive behind $one" "$(archived)" "$total"
    is "dead letters behind $one" "$("$SLUICE" dlq list)" ""
done

# The target lived on and only the store is put back: its ledger knows what was done.
for one in backups/*.tar.gz; do
    rm -rf data
    mkdir data
    cp records.db* data/
    "$SLUICE" restore "$one" > out 2> err
    is "exit code of a restore over a newer target" $? 1
    has "a newer target" "$(cat err)" "--only-store leaves it as it is"
    "$SLUICE" restore "$one" --only-store > out 2> err
    is "exit code of restoring only the store" $? 0
    "$SLUICE" run 2>> sluice.log > /dev/null
    outcome found
    cmp expected found || fail "$one beside a newer target: the reviews are not those of an undisturbed run"
done
is "restores in the audit log" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM audit WHERE act='restore'")" 1
is "backups in the audit log" "$("$STAGE" query original.db "SELECT count(*) FROM audit WHERE act='backup'")" 4

# What is there is not overwritten, and with --force kept aside.
"$STAGE" exec data/records.db "CREATE TABLE mine(a)"
"$SLUICE" restore last.tar.gz > out 2> err
is "exit code of a restore over a store" $? 1
has "over a store" "$(cat err)" "there is a store already"
serve
await 20 log_has . || fail "serve says nothing"
sleep 1
"$SLUICE" restore last.tar.gz --force > out 2> err
is "exit code of a restore beside serve" $? 75
stop
"$SLUICE" restore last.tar.gz --force --json > out 2> err
is "exit code of a forced restore" $? 0
aside=$(sed 's/.*"aside":"\([^"]*\)".*/\1/' out)
is "the old target is kept" "$("$STAGE" query "$aside/records.db" "SELECT count(*) FROM mine")" 0
[ -f "$aside/sluice.db" ] || fail "the old store is not in $aside"
"$SLUICE" run 2>> sluice.log > /dev/null
outcome found
cmp expected found || fail "a forced restore: the reviews are not those of an undisturbed run"

# Retention in a folder; a file that is there.
"$SLUICE" backup backups/ --keep 2 > out 2> err
is "exit code of backup --keep" $? 0
is "backups that are kept" "$(ls backups | wc -l)" 2
: > backups/sluice-notes.txt
"$SLUICE" backup backups/ --keep 1 --json > out 2> err
has "backup --json" "$(cat out)" '"removed":2'
is "other files are left alone" "$(ls backups | wc -l)" 2
"$SLUICE" backup last.tar.gz > out 2> err
is "exit code of a backup over a file" $? 1
"$SLUICE" backup last.tar.gz --force > out 2> err
is "exit code of a forced backup" $? 0
"$SLUICE" backup backups --keep many > out 2> err
is "exit code of --keep many" $? 64

# Nothing damaged, foreign or newer is taken.
refused() { # refused WHAT FILE EXIT-CODE TEXT
    for flag in --verify --force; do
        "$SLUICE" restore $flag "$2" > out 2> err
        is "exit code of restore $flag of $1" $? "$3"
        has "restore $flag of $1" "$(cat err)" "$4"
    done
    is "the store after a refusal of $1" "$(archived)" "$total"
}
size=$(wc -c < last.tar.gz)
for cut in 0 1 10 300 $((size / 3)) $((size / 2)) $((size - 600)) $((size - 1)); do
    head -c "$cut" last.tar.gz > bad.tar.gz
    refused "a backup cut at $cut" bad.tar.gz 1 "bad.tar.gz: "
done
for at in 200 5000 $((size / 2)) $((size - 400)) $((size - 6)); do
    cp last.tar.gz bad.tar.gz
    printf 'XYZXYZ' | dd of=bad.tar.gz bs=1 seek="$at" conv=notrunc 2> /dev/null
    refused "a backup with other bytes at $at" bad.tar.gz 1 "bad.tar.gz: "
done
cp last.tar.gz bad.tar.gz && echo more >> bad.tar.gz
refused "a backup with something behind it" bad.tar.gz 1 "behind the end"
echo "some text" > bad.tar.gz
refused "a text" bad.tar.gz 1 "not a gzip stream"
tar czf bad.tar.gz sluice.yaml
refused "another tar.gz" bad.tar.gz 1 "no backup of sluice"
refused "a file that is not there" nowhere.tar.gz 1 "there is no such file"
mkdir inside && tar xzf last.tar.gz -C inside || fail "tar does not read a backup"
repack() { (cd inside && tar --format=ustar -czf ../bad.tar.gz sluice-backup sluice.db targets/1.db manifest.json); }
repack
"$SLUICE" restore --verify bad.tar.gz > out 2> err
is "exit code for one that tar has packed" $? 0
echo 2 > inside/sluice-backup && repack
refused "a newer format" bad.tar.gz 78 "made by a newer sluice"
echo 1 > inside/sluice-backup
sed 's/"messages":'$total'/"messages":7/' inside/manifest.json > inside/m && mv inside/m inside/manifest.json && repack
refused "a manifest that lies" bad.tar.gz 1 "does not hold what its manifest says"
sed 's/"messages":7/"messages":'$total'/' inside/manifest.json > inside/m && mv inside/m inside/manifest.json
# sealed STATEMENT: change the store inside, with a manifest that agrees.
sealed() {
    "$STAGE" exec inside/sluice.db "PRAGMA journal_mode=DELETE; $1; PRAGMA journal_mode=WAL"
    rm -f inside/sluice.db-*
    sum=$(sha256sum < inside/sluice.db | cut -d' ' -f1)
    sed 's/\("name":"sluice.db","size":\)[0-9]*,"sha256":"[0-9a-f]*"/\1'"$(wc -c < inside/sluice.db)"',"sha256":"'"$sum"'"/' \
        inside/manifest.json > inside/m && mv inside/m inside/manifest.json && repack
}
sealed "UPDATE audit SET actor='somebody else' WHERE id=1"
refused "a store with a changed audit log" bad.tar.gz 1 "the audit log was changed at entry 1"
sealed "PRAGMA user_version=99"
sed 's/"schema":[0-9]*/"schema":99/' inside/manifest.json > inside/m && mv inside/m inside/manifest.json && repack
refused "a store of a newer version" bad.tar.gz 78 "the store has version 99"

# Killed in the middle: nothing that could be taken for whole, and the next one cleans up.
kills=0 i=0 turn=$$
mkdir killed
while [ $i -lt 12 ]; do
    i=$((i + 1))
    turn=$(((turn * 1103515245 + 12345) % 2147483648))
    "$SLUICE" backup killed/ > out 2>&1 &
    one=$!
    sleep "0.$(printf %03d $((turn / 65536 % 400)))"
    kill -9 $one 2> /dev/null && kills=$((kills + 1))
    wait $one 2> /dev/null
    for whole in killed/*.tar.gz; do
        [ ! -f "$whole" ] || "$SLUICE" restore --verify "$whole" > out 2> err || fail "a killed backup is not whole: $(cat err)"
    done
done
echo "$kills backups were killed"
"$SLUICE" backup killed/ > out 2> err || fail "a backup after the killed ones: $(cat err)"
is "what the killed ones left" "$(ls -a killed | grep -c '^\.sluice')" 0

kills=0 i=0 refusals=0
while [ $i -lt 14 ]; do
    i=$((i + 1))
    turn=$(((turn * 1103515245 + 12345) % 2147483648))
    "$SLUICE" restore last.tar.gz --force > out 2>&1 &
    one=$!
    sleep "0.$(printf %03d $((turn / 65536 % 900)))"
    kill -9 $one 2> /dev/null && kills=$((kills + 1))
    wait $one 2> /dev/null
    if "$SLUICE" status > out 2> err; then
        is "messages after a killed restore" "$(archived)" "$total"
    else
        is "exit code after a killed restore" $? 75
        has "after a killed restore" "$(cat err)" "run it once more"
        refusals=$((refusals + 1))
    fi
done
echo "$kills restores were killed, $refusals in the middle of putting files in place"
# In the very middle, whatever the machine's speed: the old store is aside, the new one not there.
printf 'before-restore-test' > data/sluice.db.restoring
mkdir -p data/before-restore-test
mv data/sluice.db data/before-restore-test/
"$SLUICE" serve > out 2> err
is "exit code of serve in the middle of a restore" $? 75
has "serve in the middle of a restore" "$(cat err)" "a restore was cut short here"
is "no store was made meanwhile" "$(ls data/sluice.db 2> /dev/null)" ""
"$SLUICE" restore last.tar.gz > out 2> err
is "exit code of the restore that goes on" $? 0
"$SLUICE" run 2>> sluice.log > /dev/null
outcome found
cmp expected found || fail "after killed restores the reviews are not those of an undisturbed run"

# No room, no right to write, a damaged store, a store of a newer version.
mkdir small
if mount -t tmpfs -o size=2m tmpfs small 2> /dev/null; then
    "$SLUICE" backup small/full.tar.gz > out 2> err
    is "exit code without room" $? 75
    has "without room" "$(cat err)" "name another folder"
    umount small
fi
(ulimit -f 2000; "$SLUICE" backup full.tar.gz > out 2> err)
code=$?
case $code in
    1 | 75 | 78) ;;
    *) fail "exit code without room: $code: $(cat err)" ;;
esac
[ ! -e full.tar.gz ] || fail "a backup without room is there"
"$SLUICE" backup /proc/nowhere/x.tar.gz > out 2> err
is "exit code for a folder that is not there" $? 78
cp data/sluice.db damaged.db
mkdir damaged newer
cp data/sluice.db damaged/
dd if=/dev/urandom of=damaged/sluice.db bs=8192 seek=40 count=200 conv=notrunc 2> /dev/null
"$SLUICE" --data damaged backup damaged.tar.gz > out 2> err
[ $? != 0 ] && [ ! -e damaged.tar.gz ] || fail "a damaged store was backed up"
cp data/sluice.db newer/
"$STAGE" exec newer/sluice.db "PRAGMA user_version=99"
for verb in backup "dlq retry 1" "dlq show 1" status; do
    "$SLUICE" --data newer $verb > out 2> err
    is "exit code of '$verb' with a newer store" $? 78
    has "'$verb' with a newer store" "$(cat err)" "the store has version 99"
done
finish
