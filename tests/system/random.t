#!/bin/bash
# Random operations against a model, the server killed in between.
#   make random SECONDS=600 [SEED=...] [FLAVOUR=asan|tsan]; 10 seconds in check
. tests/system/lib.sh
need python3

seconds_long=${1:-${RANDOM_SECONDS:-10}}
SEED=${2:-${SEED:-$(date +%s)}}
echo "# SEED=$SEED"
PORT=$(free_port)

# serve: as start_server, from a program of its own, whoever its parent is.
cat >"$T/serve" <<END
#!/bin/bash
: >"$T/log"
setsid "$MDMFS" -f --listen 127.0.0.1:$PORT "$T/state" "$M" \\
	</dev/null >/dev/null 2>"$T/log" &
echo \$! >"$T/pid"
timeout 20 tail -n +1 -s 0.02 -f --pid=\$! "$T/log" | grep -q '^ready\$'
END
cat >"$T/crash" <<END
#!/bin/bash
kill -9 "\$(cat "$T/pid")"
while kill -0 "\$(cat "$T/pid")" 2>/dev/null; do sleep 0.01; done
grep -A 30 -E 'Sanitizer|runtime error' "$T/log" >>"$T/sanitizers"
exec "$T/serve"
END
chmod 755 "$T/serve" "$T/crash"
# what DESCRIPTION: how many files it has open, and its memory.  That of files
# is the store's map; a sanitizer keeps what was freed for a while.
what()
{
	held=$(find /proc/"$(cat "$T/pid")"/fd -mindepth 1 | wc -l)
	echo "# $1: $held files open; memory $(sed -n \
		's/^Rss\(Anon\|File\):[[:space:]]*\([0-9]*\).*/\1 \2/p' \
		"/proc/$(cat "$T/pid")/status" | tr '\n' ' ')kB"
}
"$T/serve"
ok $? 'the server starts'
python3 tests/system/random.py "$M" "$seconds_long" "$SEED" "$T/crash" \
	>"$T/random.out" 2>&1
sed 's/^/# /' "$T/random.out"
like "$(tail -n 1 "$T/random.out")" \
	'^[0-9]{3,} operations, [1-9][0-9]* crashes, 0 wrong$' \
	'the mount is what the model says, over crashes, too'

# The last server goes on without a crash.  LeakSanitizer looks at its end.
what 'before going on'
before=$held
python3 tests/system/random.py "$M" "$((seconds_long / 10 + 1))" "$SEED" \
	>"$T/random.out" 2>&1
sed 's/^/# /' "$T/random.out"
like "$(tail -n 1 "$T/random.out")" \
	'^[0-9]{3,} operations, 0 crashes, 0 wrong$' 'it goes on so without any'
what 'at the end'
is "$held" "$before" 'and keeps no file open'
pid=$(cat "$T/pid")
kill "$pid"
for _ in $(seq 400); do
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.05
done
ok "$(grep -c " $M fuse" /proc/self/mounts)" 'SIGTERM unmounts at the end'
grep -A 30 -E 'Sanitizer|runtime error' "$T/log" >>"$T/sanitizers"
is "$(cat "$T/sanitizers")" '' 'no sanitizer has found anything'
done_testing
