#!/bin/sh
# kill -9 at any moment: what was acknowledged, to the shell or to the device,
# is there afterwards.  SEED repeats a run's moments.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd sha256sum

make_server
echo 100000 >"$M/system/keep-results"
start_relay
A=CRASH-A
enroll $A acme
ok $? 'a device enrolls'

SEED=${SEED:-$(date +%s)}
echo "# SEED=$SEED"
moments=$(python3 -c '
import random, sys
random.seed(sys.argv[1])
print(*("%.2f" % random.uniform(0.05, 0.9) for _ in range(12)))' "$SEED")

python3 tests/system/crash.py "$M" $A "$PORT" "$HOST" "$P/ca.pem" \
	"$D/$A.pem" "$D/$A.key" "$T/stop" >"$T/crash.out" 2>&1 &
load=$!
for moment in $moments; do
	sleep "$moment"
	kill -0 $load 2>/dev/null || break
	again -9
done
ok $? "twelve times killed and started"
touch "$T/stop"
wait $load
is $? 0 'the load comes to its end'
sed 's/^/# /' "$T/crash.out"
like "$(tail -n 1 "$T/crash.out")" \
	'^[0-9]{2,} dropped, [0-9]{2,} answered, 0 wrong$' \
	'nothing that was acknowledged is lost, doubled or offered again'
is "$(queue $A 2)" '' 'the queue is empty'
like "$(cat "$M/devices/$A/status")" '^commands-waiting: 0' 'and counted so'
is "$(ls "$M/devices/$A/results" | wc -l)" \
	"$(grep -c 'ProfileList c[0-9]* acknowledged' "$M/events")" \
	'there is one event for each result'

done_testing
