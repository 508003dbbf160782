# shellcheck shell=bash
# matrix.sh - tools as people use them, on a file that is judged: each with a
# document that is good, the same once more, one that is complete and bad, and
# one that is cut short.  A refused write leaves the old content, also where
# the tool removed it first.
#
# matrix root|delegated: runs everything as root, or as a user to whom
# orgs/acme was given.  The table of what was seen is printed as comments, and
# kept in $B/matrix-NAME.txt for `make check`.

need bash dash zsh mksh ksh93 busybox rsync vim nano emacs git tar unzip zip \
	curl openssl python3 perl jq node awk sort dd tee install sftp scp ssh \
	script setpriv tree inotifywait less find du

who= # what runs a command as the user of the matrix
me=0

# as COMMAND...
as()
{
	if [ "$me" = 0 ]; then
		"$@"
	else
		setpriv --reuid "$me" --regid "$me" --clear-groups "$@"
	fi
}

# The same, for the background: what is killed is the command.
as_job()
{
	[ "$me" != 0 ] || exec "$@"
	exec setpriv --reuid "$me" --regid "$me" --clear-groups "$@"
}

# wait_for REGEX FILE: at most 5 seconds.
wait_for()
{
	for _ in $(seq 250); do
		grep -q "$1" "$2" && return
		sleep 0.02
	done
	return 1
}

# What the file holds now: old, the one asked for, or something else.
now()
{
	if cmp -s "$f" "$src/old"; then
		echo old
	elif cmp -s "$f" "$src/$1"; then
		echo "$1"
	elif [ -e "$f" ]; then
		echo other
	else
		echo gone
	fi
}

# A file that is judged when its last close is over.
settled()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(now "$1")" = "$before" ] && break
		sleep 0.05
	done
	now "$1"
}

reset_file()
{
	if [ "${fresh:-}" ]; then
		rm -f "$f"
		fresh=$((fresh + 1)) # a name that nothing could be brought back to
		f=$dir/new$fresh.pem F=$f
		before=gone
	else
		as cp "$src/old" "$f" || echo "# cannot reset"
		before=old
	fi
}

run_tool()
{
	S=$src/$1 as bash -c "$command" >"$T/out" 2>&1 </dev/null
}

# What the second run left in events: nothing; the same file removed and
# accepted again; or something else.
repeated()
{
	local lines

	lines=$(tail -n "+$(($1 + 1))" "$M/events" |
		sed 's/.*comm=[^ ]* //' | grep -v '^set mode' | sort -u |
		tr '\n' ' ')
	case $lines in
	'') echo nothing ;;
	"accepted ${f#"$M/"} removed ${f#"$M/"} ") echo 'removes first' ;;
	*) echo "$lines" ;;
	esac
}

# What a tool said of a refusal: the line with the error, or its last one.
said()
{
	{
		grep -a 'Bad message' "$T/out" || tail -n 1 "$T/out"
	} | head -n 1 | sed "s|${T}[^ ]*/||g" | tr -d '\r|' | cut -c 1-64
}

# tool NAME BAD CUT COMMAND: exit status of a complete bad document, and of
# a cut one, is 0 or not (1); CUT - : not tried.
# again=WHAT: what a second run leaves, instead of nothing.  quiet=1: it says
# nothing of a refusal.
tool()
{
	local name=$1 bad=$2 cut=$3 command=$4 rc lines page seen text

	reset_file
	run_tool good
	rc=$?
	is "$rc $(now good)" "0 good" "$name: a good document is taken"

	lines=$(wc -l <"$M/events")
	page=$(grep -v ^days-left: "$status")
	run_tool good
	rc=$?
	seen=$(repeated "$lines")
	is "$rc $(now good) $seen" "0 good ${again:-nothing}" \
		"$name: once more, ${again:-nothing} is an event"
	is "$(grep -v ^days-left: "$status")" "$page" 'and what is in effect stays'

	reset_file
	run_tool bad
	rc=$?
	text=$(said)
	is "$((rc != 0)) $(settled bad)" "$bad $before" \
		"$name: a bad document is refused, the old one stays"
	[ "$bad" = 0 ] || [ -n "$text" ] || [ "${quiet:-}" ]
	ok $? "$name: it says that it failed"
	row="$name|taken|$seen|exit $rc|"

	if [ "$cut" != - ]; then
		reset_file
		run_tool cut
		rc=$?
		is "$((rc != 0)) $(settled cut)" "$cut $before" \
			"$name: a cut document changes nothing"
		row="${row}exit $rc"
	fi
	echo "$row|$text" >>"$T/matrix"
}


matrix()
{
	local who=$1 n name

	src=$T/src
	dir=$M/orgs/acme/signing
	f=$dir/c.pem
	status=$M/status/orgs/acme/signing
	mkdir "$M/orgs/acme" "$dir" "$src" "$src/tree" "$src/git" "$T/home"
	# Two good certificates, one document whose block is no certificate, one
	# that ends in the middle.
	for n in old good; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -keyout "$src/$n.key" -out "$src/$n" -days 300 \
			-subj "/CN=$n" 2>"$T/openssl.err" ||
			sed 's/^/# /' "$T/openssl.err"
		cat "$src/$n.key" >>"$src/$n"
	done
	sed '2,5s/[A-Za-z]/A/g' "$src/good" >"$src/bad"
	head -c 300 "$src/good" >"$src/cut"
	export D="$dir" F="$f" SRC="$src" S HOME="$T/home"
	if [ "$who" != root ]; then
		me=$(id -u www-data)
		chown -R www-data: "$M/orgs/acme" "$src" "$HOME"
		chmod 750 "$M/orgs/acme"
	fi
	: >"$T/matrix"
	shells
	coreutils
	in_place
	syncs
	editors
	repositories
	transfers
	languages
	readers
	is "$(ls -A "$dir")" c.pem 'nothing is left behind'
	{
		echo "as $who|good|again|bad|cut|what a refusal says"
		cat "$T/matrix"
	} | column -t -s '|' >"$T/table"
	sed 's/^/# /' "$T/table"
	[ -z "${B:-}" ] || cp "$T/table" "$B/matrix-$who.txt"
}

# Shells: their own redirection hears write(), and not close().
shells()
{
	local sh

	for sh in bash dash zsh mksh ksh93 'busybox ash'; do
		say='printf %s "$X"'
		[ "$sh" = mksh ] && say='print -rn -- "$X"' # its printf is a program
		export say
		quiet= # busybox exits with 1, and that is all
		[ "$sh" != 'busybox ash' ] || quiet=1
		tool "$sh >" 1 0 \
			"X=\$(cat \$S; echo .) X=\${X%.} exec $sh -c \"\$say >\\\$F\""
	done
	quiet=
	again='removes first' \
		tool 'bash >> after rm' 1 0 'rm $F; X=$(cat $S; echo .); printf %s "${X%.}" >>$F'
	tool 'bash heredoc' 1 1 'cat >$F <<<"$(cat $S)"'
	tool 'bash printf, line by line' 1 0 \
		'mapfile -t L <$S; printf "%s\n" "${L[@]}" >$F; r=$?
		 [ "$(tail -c 1 $S)" = "" ] || exit 0; exit $r'
	tool 'bash > and &&' 1 0 'X=$(cat $S; echo .); printf %s "${X%.}" >$F && echo success'
	tool 'bash -e' 1 0 'set -e; X=$(cat $S; echo .); printf %s "${X%.}" >$F; echo success'
	tool 'bash {echo;echo}>' 1 0 \
		'a=$(head -c 200 $S; echo .) b=$(tail -c +201 $S; echo .)
		 { printf %s "${a%.}"; printf %s "${b%.}"; } >$F'
	# what the descriptor said is in the message alone
	tool 'bash exec 3>' 0 0 \
		'exec 3>$F; X=$(cat $S; echo .); printf %s "${X%.}" >&3; /bin/true; exec 3>&-'
	tool 'bash tmp and mv' 1 1 'cat $S >$F.tmp && mv $F.tmp $F; r=$?; rm -f $F.tmp; exit $r'
}

# Coreutils and friends.
coreutils()
{
	tool '/bin/echo >' 1 1 '/bin/echo "$(cat $S)" >$F'
	tool '/bin/cat >' 1 1 'cat $S >$F'
	tool 'busybox cat >' 1 0 'busybox cat $S >$F'
	tool 'cp' 1 1 'cp $S $F'
	fresh=1 tool 'cp to a new name' 1 1 'cp $S $F'
	rm -f "$dir"/new*
	f=$dir/c.pem F=$f
	tool 'cp -p' 1 1 'cp -p $S $F'
	tool 'cp -a' 1 1 'cp -a $S $F'
	tool 'cp -r of a tree' 1 1 'cp $S $SRC/tree/c.pem; cp -r $SRC/tree/. $D/'
	tool 'cp to the directory' 1 1 'cp $S $SRC/tree/c.pem; cp $SRC/tree/c.pem $D/'
	again='removes first' \
		tool 'cp --remove-destination' 1 1 'cp --remove-destination $S $F'
	tool 'busybox cp' 1 1 'busybox cp $S $F'
	again='removes first' tool 'install -m 600' 1 1 'install -m 600 $S $F'
	again='removes first' tool 'mv from another file system' 1 1 \
		'cp $S $SRC/tree/c.pem; mv -f $SRC/tree/c.pem $F'
	tool 'mv inside' 1 1 'cp $S $D/x.tmp && mv -f $D/x.tmp $F; r=$?; rm -f $D/x.tmp; exit $r'
	tool 'dd' 1 1 'dd if=$S of=$F status=none'
	tool 'dd bs=64 conv=fsync' 1 1 'dd if=$S of=$F bs=64 conv=fsync status=none'
	tool 'dd conv=notrunc' 1 - 'dd if=$S of=$F conv=notrunc status=none'
	tool 'tee' 1 1 'tee $F <$S'
	tool 'base64 -d >' 1 1 'base64 $S | base64 -d >$F'
}

# Editing in place: sed and perl make the document out of the old one.
in_place()
{
	reset_file
	works 'sed -i: a comment is taken' as sed -i '1i comment' "$f"
	fails 'sed -i: a broken block is refused' as sed -i '3,6s/[A-Za-z]/A/g' "$f"
	like "$(cat "$T/fails.out")" 'cannot rename .*: Bad message' 'and sed says why'
	is "$(sed -n 1p "$f")" comment 'and the old content stays'
	reset_file
	n=$(wc -l <"$M/events")
	works 'sed -i: the same bytes are taken' as sed -i 's/^$//' "$f"
	is "$(wc -l <"$M/events")" "$n" 'and are no event'
	works 'perl -pi: the same bytes are taken' as perl -pi -e 's/^$//' "$f"
	is "$(repeated "$n")" nothing 'and are no event'
	fails 'perl -pi: a broken block is refused' \
		as perl -pi -e 's/[A-Za-z]/A/g if $. > 1 && $. < 6' "$f"
	is "$(now good)" old 'and the old content stays'
	tool 'perl open, print, close' 1 1 \
		'perl -e "local \$/; open(I, \$ENV{S}); \$x = <I>; open(O, \">\$ENV{F}\") && print(O \$x) && close(O) or die \"\$!\n\""'
}

# rsync; over ssh with a server of its own, where one may run.
syncs()
{
	local c='cp $S $SRC/tree/c.pem; rsync --ignore-times' t='$SRC/tree/c.pem $D/'

	tool 'rsync -a' 1 1 "$c -a $t"
	tool 'rsync --inplace' 1 1 "$c -a --inplace $t"
	tool 'rsync -c' 1 1 'cp $S $SRC/tree/c.pem; rsync -c $SRC/tree/c.pem $D/'
	tool 'rsync -a --fsync' 1 1 "$c -a --fsync $t"
	tool 'rsync -a --delete' 1 1 "$c -a --delete --exclude=*.tmp \$SRC/tree/ \$D/"
	tool 'rsync --delay-updates' 1 1 "$c -a --delay-updates $t; r=\$?; rm -rf \$D/.~tmp~; exit \$r"
	again='removes first' \
		tool 'rsync --temp-dir elsewhere' 1 1 "$c -a --temp-dir=/dev/shm $t"
	remote_shell
	tool 'rsync -a over ssh' 1 1 \
		"cp \$S \$SRC/tree/c.pem; rsync --ignore-times -a -e $T/ssh \$SRC/tree/c.pem there:\$D/"
	tool 'scp' 1 1 "scp -q -S $T/ssh \$S there:\$F"
	tool 'sftp put' 1 1 'echo "put $S $F" | sftp -b - -D /usr/lib/openssh/sftp-server'
}

# $T/ssh: for root a real one, to a server on this machine; a user without a
# shell gets what sshd would run.
remote_shell()
{
	local port

	if [ "$me" = 0 ]; then
		port=$(free_port)
		ssh-keygen -q -t ed25519 -N '' -f "$T/host"
		ssh-keygen -q -t ed25519 -N '' -f "$T/id"
		mkdir -p /run/sshd
		/usr/sbin/sshd -D -f /dev/null -h "$T/host" -E "$T/sshd.log" \
			-o ListenAddress=127.0.0.1 -o Port="$port" \
			-o PidFile=none -o UsePAM=yes -o StrictModes=no \
			-o PermitRootLogin=yes -o AuthorizedKeysFile="$T/id.pub" \
			-o Subsystem='sftp /usr/lib/openssh/sftp-server' &
		sshd=$!
		cat >"$T/ssh" <<END
#!/bin/sh
exec ssh -q -F /dev/null -i $T/id -p $port -o StrictHostKeyChecking=no \\
	-o UserKnownHostsFile=/dev/null -o HostName=127.0.0.1 \\
	-o User=root "\$@"
END
	else
		cat >"$T/ssh" <<'END'
#!/bin/bash
# ssh [-opt ...] HOST COMMAND...
subsystem=
while [ $# -gt 0 ]; do
	case $1 in
	-s) subsystem=1; shift ;;
	-[opilcFSE]) shift 2 ;;
	-*) shift ;;
	*) break ;;
	esac
done
shift
[ "$1" != -- ] || shift
[ "$1" != sftp ] || exec /usr/lib/openssh/sftp-server
exec sh -c "$*"
END
	fi
	chmod 755 "$T/ssh"
	for _ in $(seq 50); do
		"$T/ssh" there true 2>"$T/ssh.err" && return
		sleep 0.1
	done
	ok 1 'a remote shell'
	sed 's/^/# /' "$T/ssh.err" "$T/sshd.log"
}

editors()
{
	local n

	quiet=1 again='removes first' tool 'vim' 1 1 'vim -u NONE -N -es -c "%!cat $S" -c wq $F'
	quiet=1 again='removes first' tool 'vim with its defaults' 1 1 \
		'vim --clean -es -c "%!cat $S" -c wq $F'
	quiet=1 again='removes first' tool 'vim with backups' 1 1 \
		'vim -u NONE -N -es --cmd "set backup writebackup backupcopy=no backupskip= backupdir=." -c "%!cat $S" -c wq $F; r=$?; rm -f $F~; exit $r'
	again='removes first' tool 'emacs' 1 1 \
		'emacs -Q --batch $F --eval "(progn (erase-buffer) (insert-file-contents-literally (getenv \"S\")) (save-buffer))"; r=$?; rm -f $F~; exit $r'
	reset_file
	n=$(wc -l <"$M/events")
	works 'nano: writes the file' nano_write "$f"
	is "$(now good)" old 'nano: the same bytes are taken'
	is "$(wc -l <"$M/events")" "$n" 'and are no event'
	as sed '2,5s/[A-Za-z]/A/g' "$f" >"$T/x.pem"
	nano_write "$f" '\033[B\013\013\013' >"$T/out" 2>&1
	is "$(now good)" old 'nano: a broken block is refused'
	like "$(cat "$T/out")" 'Error writing' 'and nano says so'
	rm -f "$dir"/*.save
}

# nano_write FILE [KEYS]: type, ^O, enter; then ^X, whatever it asked.
nano_write()
{
	(
		sleep 0.4
		printf '%b\017\r' "${2:-}"
		sleep 0.3
		printf '\030'
		sleep 0.2
		printf 'n'
	) | TERM=xterm as script -qec "nano -I -L $1" /dev/null
}

# git with its directory outside.
repositories()
{
	local n blob tree

	as git init -q --bare "$src/git"
	g="git --git-dir=$src/git --work-tree=$dir -c core.fileMode=true"
	g="$g -c user.name=x -c user.email=x@example.com -c core.autocrlf=false"
	export g
	for n in old good bad cut; do
		blob=$(as $g hash-object -w "$src/$n")
		tree=$(printf '100644 blob %s\tc.pem\n' "$blob" | as $g mktree)
		as $g branch -f "$n" "$(as $g commit-tree -m "$n" "$tree")"
	done
	as $g tag old old
	again='removes first' tool 'git checkout -f' 1 0 \
		'cd $D && $g symbolic-ref HEAD refs/heads/old && $g reset -q && $g checkout -qf ${S##*/}'
	again='removes first' tool 'git reset --hard' 1 0 \
		'cd $D && $g symbolic-ref HEAD refs/heads/old && $g reset -q && $g reset -q --hard ${S##*/}; r=$?; $g update-ref refs/heads/old refs/tags/old; exit $r'
	again='removes first' tool 'git checkout-index' 1 0 \
		'cd $D && $g read-tree ${S##*/} && $g checkout-index -af'
	reset_file
	as $g symbolic-ref HEAD refs/heads/old
	as $g reset -q
	is "$(as $g status --porcelain)" '' 'git status: nothing to do'
	as cp "$src/good" "$f"
	is "$(as $g status --porcelain)" ' M c.pem' 'git status sees a change'
	works 'git stash puts it aside' as sh -c "cd $dir && $g stash -q"
	is "$(now good)" old 'and the file is as it was committed'
	works 'git stash pop' as sh -c "cd $dir && $g stash pop -q"
	is "$(now good)" good 'brings it back'
	as $g symbolic-ref HEAD refs/heads/none
	fails 'git init inside of the mount is refused' as git init -q "$dir"
	like "$(as cat "$M/status/last-error")" 'git --git-dir' 'and last-error says what to do'
}

# Archives and transfers.
transfers()
{
	again='removes first' tool 'tar x' 1 1 \
		'cp $S $SRC/tree/c.pem; tar c -C $SRC/tree c.pem | tar x -C $D'
	tool 'tar x --overwrite' 1 1 \
		'cp $S $SRC/tree/c.pem; tar c -C $SRC/tree c.pem | tar x --overwrite -C $D'
	again='removes first' tool 'unzip -o' 1 0 \
		'cp $S $SRC/tree/c.pem; cd $SRC/tree && rm -f x.zip && zip -q x.zip c.pem && unzip -qo x.zip -d $D; r=$?; rm -f x.zip; exit $r'
	tool 'curl -o' 1 1 'curl -sS -o $F file://$S'
	tool 'curl >' 1 0 'curl -sS file://$S >$F'
	tool 'openssl base64 -out' 1 0 'base64 $S | openssl base64 -d -out $F'
	tool 'openssl base64 >' 1 0 'base64 $S | openssl base64 -d >$F'
}

languages()
{
	tool 'python with open' 1 1 'python3 -c "
import os
with open(os.environ[\"F\"], \"w\") as f: f.write(open(os.environ[\"S\"]).read())"'
	# nobody hears what close() says to the collector of garbage
	tool 'python open().write()' 0 0 'python3 -c "
import os
open(os.environ[\"F\"], \"w\").write(open(os.environ[\"S\"]).read())"'
	tool 'python tmp and os.replace' 1 1 'python3 -c "
import os
f = os.environ[\"F\"]
with open(f + \".tmp\", \"w\") as t: t.write(open(os.environ[\"S\"]).read())
try: os.replace(f + \".tmp\", f)
finally:
  if os.path.exists(f + \".tmp\"): os.remove(f + \".tmp\")"'
	tool 'perl without a look at close' 0 0 \
		'perl -e "local \$/; open(I, \$ENV{S}); \$x = <I>; open(O, \">\$ENV{F}\"); print(O \$x); exit 0"'
	tool 'node writeFileSync' 1 1 \
		'node -e "const fs = require(\"fs\"); fs.writeFileSync(process.env.F, fs.readFileSync(process.env.S))"'
	tool 'awk >' 1 1 'awk "{ print > ENVIRON[\"F\"] }" $S'
	tool 'awk > and close' 1 1 \
		'awk "{ print > ENVIRON[\"F\"] } END { exit close(ENVIRON[\"F\"]) != 0 }" $S'
	tool 'sort -o' 1 1 'sort -s -k 99 -o $F $S'
	tool 'jq -r >' 1 1 'jq -Rr . <$S >$F'
}

# Those that only look.
readers()
{
	local n

	reset_file
	for n in "find $dir -type f" "grep -r 'BEGIN CERT' $M/orgs" "du -a $dir" \
		"ls -lA $dir" "stat $f" "tree -a $M/orgs" "less $f" \
		"file $f" "head -c 30 $f" "tail -n 1 $f" "wc $f" "tar cf - -C $dir ." \
		"cksum $f" "openssl x509 -noout -in $f"; do
		as sh -c "$n" >"$T/out" 2>&1
		ok $? "${n%% *} reads it"
		echo "${n%% *}|reads||||" >>"$T/matrix"
	done
	like "$(as tree -a "$M/orgs/acme")" 'c\.pem' 'tree shows it'
	like "$(as grep -rl 'BEGIN CERT' "$M/orgs")" 'c\.pem$' 'grep -r finds it'
	like "$(as find "$dir" -newermt '1 hour ago' -type f -size -10k)" 'c\.pem$' \
		'find by time and size finds it'
	is "$(as stat -c %s "$f")" "$(as wc -c <"$f")" 'stat says its size'
	is "$(as du -b "$f" | cut -f 1)" "$(as wc -c <"$f")" 'and so does du -b'
	as_job inotifywait -t 10 -e close_write --format %f "$dir" >"$T/out" \
		2>"$T/watching" &
	n=$!
	wait_for 'Watches established' "$T/watching"
	as cp "$src/good" "$f"
	wait "$n"
	is "$(cat "$T/out")" c.pem 'inotifywait hears what is written through the mount'
	echo "inotifywait|hears|||" >>"$T/matrix"
	as_job tail -s 0.05 -n 1 -f "$M/events" >"$T/out" &
	n=$!
	wait_for . "$T/out"
	as cp "$src/old" "$f"
	wait_for 'comm=cp changed .*c\.pem' "$T/out"
	ok $? 'tail -f of events follows'
	kill "$n"
	wait "$n" 2>/dev/null
	echo "tail -f|follows|||" >>"$T/matrix"
}
