#!/bin/sh
# What devices answer, and waiting for it; what may be asked.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd sha256sum

make_server
start_relay
A=00008030-001A2B3C4D5E6F01
dev=$M/devices/$A
enroll $A acme
ok $? 'a device enrolls'

# next STATUS [MORE]: the device takes its next command and answers.
next()
{
	idle $A acme
	report $A acme "$1" "$(uuid)" "${2:-}"
}

# ---- what may be asked -------------------------------------------------------

like "$(ls "$M/status/commands")" '^DeviceLock$' \
	'status/commands has a page for each request type'
like "$(cat "$M/status/commands/DeviceLock")" \
	'^Taken by iOS 4.0, macOS 10.7' 'which says for whom it is'
like "$(cat "$M/status/commands/ProfileList")" \
	'info/ProfileList.tsv' 'and where the answer goes'
is "$(cat "$M"/status/commands/* | awk 'length > 80' | grep -c .)" 0 \
	'all of them fit in 80 columns'
fails 'a request type that there is not' cat "$M/status/commands/Lock"

# The examples, as a shell would write them.
python3 - "$M/status/commands" >"$T/examples" <<'EOF'
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    page = open(os.path.join(sys.argv[1], name)).read()
    begin = page.index("Written by a shell:\n\n") + 21
    end = page.find("\n\n", begin)
    print(page[begin:end].replace("devices/UDID/commands/NAME",
                                  "\"$dev\"/commands/" + name))
EOF
echo off >"$M/system/validation"
(
	cd "$T" || exit 1
	mkdir -p devices/UDID/secrets
	for f in wifi.mobileconfig app.mobileprovision hash.plist FILE \
		devices/UDID/secrets/UnlockToken; do
		echo x >"$f"
	done
	# shellcheck disable=SC1091 # made above
	. "$T/examples"
) >"$T/examples.out" 2>&1
is "$(grep -c . "$T/examples.out")" 0 'a shell takes every example'
is "$(find "$dev/commands" -type f | wc -l)" \
	"$(find "$M/status/commands" -type f | wc -l)" 'and so does the server'
rm -f "$dev"/commands/*
rm "$M/system/validation"

# ---- text, and what is shown of it -------------------------------------------

printf 'DeviceLock # now\n  Message="a  b"\n' >"$dev/commands/lock"
is "$(cat "$dev/commands/lock")" "$(printf 'DeviceLock # now\n  Message="a  b"')" \
	'a text command is shown as it was written'
rm "$dev/commands/lock"
cp "$M/status/orgs/acme/enroll.mobileconfig" "$T/p.mobileconfig"
printf '<plist><dict><key>PayloadType</key><string>Configuration</string><key>PayloadIdentifier</key><string>a.b</string><key>PayloadUUID</key><string>u</string><key>PayloadVersion</key><integer>1</integer><key>PayloadContent</key><array/></dict></plist>\n' >"$T/p.mobileconfig"
{ echo InstallProfile Payload=@-; cat "$T/p.mobileconfig"; } >"$dev/commands/p"
idle $A acme
plist "$T/answer" 'p["Command"]["Payload"].decode()' >"$T/sent"
sed '$d' "$T/sent" >"$T/sent.cut" # print's
cmp -s "$T/sent.cut" "$T/p.mobileconfig"
ok $? 'KEY=@- sends the bytes behind the line'
report $A acme Acknowledged "$(uuid)"

# ---- answers -----------------------------------------------------------------

echo InstalledApplicationList >"$dev/commands/apps"
next Acknowledged "<key>InstalledApplicationList</key><array><dict>$(str \
	Identifier com.example.a)$(str Name 'An app')</dict></array>"
is "$(head -n 1 "$dev/info/InstalledApplicationList.tsv" | cut -f 1)" \
	Identifier 'a list is a table'
like "$(sed -n 2p "$dev/info/InstalledApplicationList.tsv")" 'An app' \
	'with a row for each'
is "$(plist "$dev/info/InstalledApplicationList.plist" 'p[0]["Name"]')" \
	'An app' 'and a property list'
like "$(ls "$dev/info")" '^InstalledApplicationList.tsv$' 'both are listed'
fails 'info/ takes no writes' sh -c "echo x >'$dev/info/UserList.tsv'"
echo RequestUnlockToken >"$dev/commands/token"
echo off >"$M/system/validation"
echo RequestUnlockToken >"$dev/commands/token2"
next Acknowledged "$(data UnlockToken 736563726574)"
is "$(xxd -p "$dev/secrets/UnlockToken")" 736563726574 \
	'a secret goes to secrets/'
is "$(cat "$dev"/results/* "$dev"/info/* "$M/events" | grep -c c2VjcmV0)" 0 \
	'and is nowhere else'
rm -f "$dev"/commands/token*
rm "$M/system/validation"

# ---- waiting -----------------------------------------------------------------

# wait_for OUT [OPTION...] FILE...: in the background.
wait_for()
{
	w_out=$T/$1
	shift
	"$MDMFS" wait --timeout 20 "$M" "$@" >"$w_out" 2>&1 &
	waiter=$!
	wait_until 'grep -q poll "/proc/$waiter/wchan"'
}

echo ProfileList >"$dev/commands/one"
echo CertificateList >"$dev/commands/two"
wait_for w1 "devices/$A/commands/one" "$dev/commands/two"
next Acknowledged '<key>ProfileList</key><array/>'
next Acknowledged '<key>CertificateList</key><array/>'
wait "$waiter"
is "$?" 0 'wait ends when all are acknowledged'
is "$(cut -f 2 "$T/w1" | sort | uniq -c | sed 's/ *//')" '2 acknowledged' \
	'and says so'
"$MDMFS" wait "$M" "devices/$A/commands/one" >"$T/w2"
is "$? $(cut -f 2 "$T/w2")" '0 acknowledged' 'one that was over already'
echo DeviceLock >"$dev/commands/one"
wait_for w3 "devices/$A/commands/one"
next Error "<key>ErrorChain</key><array><dict>$(str ErrorDomain D)<key>ErrorCode</key><integer>7</integer>$(str USEnglishDescription 'No passcode')</dict></array>"
wait "$waiter"
is "$? $(cat "$T/w3")" \
	"1 $(printf 'devices/%s/commands/one\tfailed\tNo passcode (D 7)' $A)" \
	'a failure is 1, with the reason; an older result is not taken for it'
echo ProfileList >"$dev/commands/three"
"$MDMFS" wait --timeout 0.2 "$M" "devices/$A/commands/three" >"$T/w4"
is "$? $(cut -f 2 "$T/w4")" '2 waiting' 'a timeout is 2'
wait_for w5 "devices/$A/commands/three"
mv "$dev/commands/three" "$dev/commands/first/three"
rm "$dev/commands/first/three"
wait "$waiter"
is "$? $(cut -f 2 "$T/w5")" '1 gone' 'one that was cancelled is gone'
"$MDMFS" wait "$M" "devices/$A/commands/never" >"$T/w6" 2>&1
is "$?" 3 'one that never was is 3'
"$MDMFS" wait "$M" "devices/$A/status" >"$T/w7" 2>&1
is "$?" 3 'and so is what is no command'
"$MDMFS" wait >"$T/w7" 2>&1
is "$?" 3 'and no words at all'

mkdir "$M/orgs/acme/commands"
echo ProfileList >"$M/orgs/acme/commands/all"
wait_for w8 orgs/acme/commands/all
soon '[ -s "$dev/queue" ]' 'a command for all is queued'
next Acknowledged '<key>ProfileList</key><array/>'
wait "$waiter"
is "$? $(cut -f 2 "$T/w8")" '0 acknowledged' 'commands for many are waited for'

# ---- poll(2) -----------------------------------------------------------------

cat >"$T/poll.py" <<'EOF'
import select, sys, subprocess
dev = sys.argv[1]
f = open(dev + '/queue')
p = select.poll()
p.register(f, select.POLLPRI)
print(p.poll(0))
open(dev + '/commands/polled', 'w').write('ProfileList\n')
print([e & select.POLLPRI != 0 for _, e in p.poll(20000)])
g = open(dev + '/queue')
print('polled' in g.read())
q = select.poll()
q.register(g, select.POLLPRI)
print(q.poll(0))
r = select.poll()
r.register(f, select.POLLIN)
print(len(r.poll(0)))
EOF
is "$(python3 "$T/poll.py" "$dev" | tr '\n' ' ')" '[] [True] True [] 1 ' \
	'poll(2) says POLLPRI when a page has changed since it was opened'
echo 'CertificateList' >"$dev/commands/late"
wait_for w9 "devices/$A/commands/late"
sleep 0.3
kill "$server"
wait "$server"
is "$?" 0 'the server ends while somebody waits'
server=
wait "$waiter"
is "$?" 3 'who then hears of it'

# ---- newer tables ------------------------------------------------------------

mkdir "$T/tables"
cp engine/schema/tables/*.tsv "$T/tables/"
start_server --schema "$T/tables"
like "$(cat "$M/status/server")" "^schema: the tables in $T/tables" \
	'--schema: its tables are in effect'
sed 's/^DeviceLock	/DeviceLockNow	/' engine/schema/tables/commands.tsv \
	>"$T/tables/commands.tsv"
sed '/DeviceLock	/d' engine/schema/tables/overrides.tsv \
	>"$T/tables/overrides.tsv"
kill -HUP "$server"
soon '[ -e "$M/status/commands/DeviceLockNow" ]' 'SIGHUP reads them again'
is "$(errno_of write "$dev/commands/lock" 'DeviceLock PIN=123456
')" EPROTO 'commands are judged by them'
works 'both ways' sh -c "echo DeviceLockNow >'$dev/commands/lock'"
echo broken >>"$T/tables/errors.tsv"
kill -HUP "$server"
soon 'grep -q "schema: refused.*errors.tsv:[0-9]*: not 16" "$M/events"' \
	'broken ones are refused with file and line'
works 'and the ones before stay' test -e "$M/status/commands/DeviceLockNow"
stop_server
mkdir -p "$T/tree/orgs/a/commands"
echo DeviceLockNow >"$T/tree/orgs/a/commands/lock"
"$MDMFS" check "$T/tree" >"$T/out"
like "$(cat "$T/out")" 'unknown request type DeviceLockNow' \
	'mdmfs check judges by its own tables'
"$MDMFS" check --schema "$T/tables" "$T/tree" >"$T/out" 2>&1
is "$?" 1 'or by those of --schema'
like "$(cat "$T/out")" 'errors.tsv:[0-9]+:' 'which must be whole there, too'
sed -i '$d' "$T/tables/errors.tsv"
"$MDMFS" check --schema "$T/tables" "$T/tree" >"$T/out" 2>&1
like "$(cat "$T/out")" 'lock:.*no enrolled device' 'and know other commands'
echo broken >>"$T/tables/errors.tsv"
"$MDMFS" -f --listen "127.0.0.1:$PORT" --schema "$T/tables" "$T/state" "$M" \
	2>"$T/out"
is "$?" 1 'no server starts with broken ones'
like "$(cat "$T/out")" 'errors.tsv:[0-9]+:' 'and it says where'
done_testing
