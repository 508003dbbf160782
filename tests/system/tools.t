#!/bin/bash
# Tools as people use them, on a file that is judged: each with a document that
# is good, one that is complete and bad, and one that is cut short.  A refused
# write leaves the old content, also where the tool removed it first.
. tests/system/lib.sh
need bash dash zsh mksh ksh93 busybox rsync vim nano git tar unzip zip curl \
	openssl python3 perl jq node awk sort dd tee install sftp script

start_server
mkdir "$M/orgs/acme" "$M/orgs/acme/signing"
dir=$M/orgs/acme/signing
f=$dir/c.pem
src=$T/src
mkdir "$src"

# Two good certificates, one document whose block is no certificate, one that
# ends in the middle.
for n in old good; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$src/$n.key" -out "$src/$n" -days 30 \
		-subj "/CN=$n" 2>"$T/openssl.err" || sed 's/^/# /' "$T/openssl.err"
	cat "$src/$n.key" >>"$src/$n"
done
sed '2,5s/[A-Za-z]/A/g' "$src/good" >"$src/bad"
head -c 300 "$src/good" >"$src/cut"
mkdir "$src/tree" "$src/git"
export D="$dir" F="$f" SRC="$src" S

reset_file()
{
	cp "$src/old" "$f" || echo "# cannot reset"
}

# What the file holds now: old, good, or something else.
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
		[ "$(now "$1")" = old ] && break
		sleep 0.05
	done
	now "$1"
}

# tool NAME BAD CUT COMMAND: exit status of a complete bad document, and of
# a cut one, is 0 or not (1); CUT - : not tried.
tool()
{
	local name=$1 bad=$2 cut=$3 command=$4 rc

	reset_file
	S=$src/good bash -c "$command" >"$T/out" 2>&1
	rc=$?
	is "$rc $(now good)" "0 good" "$name: a good document is taken"

	reset_file
	S=$src/bad bash -c "$command" >"$T/out" 2>&1
	rc=$?
	is "$((rc != 0)) $(settled bad)" "$bad old" \
		"$name: a bad document is refused, the old one stays"

	[ "$cut" = - ] && return
	reset_file
	S=$src/cut bash -c "$command" >"$T/out" 2>&1
	rc=$?
	is "$((rc != 0)) $(settled cut)" "$cut old" \
		"$name: a cut document changes nothing"
}

# Shells: their own redirection hears write(), and not close().
for sh in bash dash zsh mksh ksh93 'busybox ash'; do
	say='printf %s "$X"'
	[ "$sh" = mksh ] && say='print -rn -- "$X"' # its printf is a program
	export say
	tool "$sh >" 1 0 \
		"X=\$(cat \$S; echo .) X=\${X%.} exec $sh -c \"\$say >\\\$F\""
done
tool 'bash >> after rm' 1 0 'rm $F; X=$(cat $S; echo .); printf %s "${X%.}" >>$F'
tool 'bash heredoc' 1 1 'cat >$F <<<"$(cat $S)"'
tool 'bash printf, line by line' 1 0 \
	'mapfile -t L <$S; printf "%s\n" "${L[@]}" >$F; r=$?
	 [ "$(tail -c 1 $S)" = "" ] || exit 0; exit $r'
tool 'bash tmp and mv' 1 1 'cat $S >$F.tmp && mv $F.tmp $F; r=$?; rm -f $F.tmp; exit $r'

# Coreutils and friends.
tool '/bin/cat >' 1 1 'cat $S >$F'
tool 'busybox cat >' 1 0 'busybox cat $S >$F'
tool 'cp' 1 1 'cp $S $F'
tool 'cp -p' 1 1 'cp -p $S $F'
tool 'cp -a' 1 1 'cp -a $S $F'
tool 'cp to the directory' 1 1 'cp $S $SRC/tree/c.pem; cp $SRC/tree/c.pem $D/'
tool 'cp --remove-destination' 1 1 'cp --remove-destination $S $F'
tool 'busybox cp' 1 1 'busybox cp $S $F'
tool 'install -m 600' 1 1 'install -m 600 $S $F'
tool 'mv from another file system' 1 1 'cp $S $SRC/tree/c.pem; mv -f $SRC/tree/c.pem $F'
tool 'dd' 1 1 'dd if=$S of=$F status=none'
tool 'dd bs=64 conv=fsync' 1 1 'dd if=$S of=$F bs=64 conv=fsync status=none'
tool 'tee' 1 1 'tee $F <$S'
tool 'base64 -d >' 1 1 'base64 $S | base64 -d >$F'

# Editing in place: sed and perl make the document out of the old one.
reset_file
works 'sed -i: a comment is taken' sed -i '1i comment' "$f"
fails 'sed -i: a broken block is refused' sed -i '3,6s/[A-Za-z]/A/g' "$f"
is "$(sed -n 1p "$f")" comment 'and the old content stays'
reset_file
works 'perl -pi: the same bytes are taken' perl -pi -e 's/^$//' "$f"
fails 'perl -pi: a broken block is refused' \
	perl -pi -e 's/[A-Za-z]/A/g if $. > 1 && $. < 6' "$f"
is "$(now good)" old 'and the old content stays'
tool 'perl open, print, close' 1 1 \
	'perl -e "local \$/; open(I, \$ENV{S}); \$x = <I>; open(O, \">\$ENV{F}\") && print(O \$x) && close(O) or exit 1"'

# rsync
tool 'rsync -a' 1 1 'cp $S $SRC/tree/c.pem; rsync -a --ignore-times $SRC/tree/c.pem $D/'
tool 'rsync --inplace' 1 1 'cp $S $SRC/tree/c.pem; rsync -a --ignore-times --inplace $SRC/tree/c.pem $D/'
tool 'rsync -c' 1 1 'cp $S $SRC/tree/c.pem; rsync -c $SRC/tree/c.pem $D/'
tool 'rsync --delay-updates' 1 1 \
	'cp $S $SRC/tree/c.pem; rsync -a --ignore-times --delay-updates $SRC/tree/c.pem $D/; r=$?; rm -rf $D/.~tmp~; exit $r'
tool 'rsync --temp-dir elsewhere' 1 1 \
	'cp $S $SRC/tree/c.pem; rsync -a --ignore-times --temp-dir=/dev/shm $SRC/tree/c.pem $D/'

# Editors
tool 'vim' 1 1 'vim -u NONE -N -es -c "%!cat $S" -c wq $F </dev/null'
tool 'vim with backups' 1 1 \
	'vim -u NONE -N -es --cmd "set backup writebackup backupcopy=no backupskip= backupdir=." -c "%!cat $S" -c wq $F </dev/null; r=$?; rm -f $F~; exit $r'
nano_write()
{
	# ^O, enter; then ^X, whatever it asked
	(sleep 0.4; printf '\017\r'; sleep 0.3; printf '\030'; sleep 0.2; printf 'n') |
		TERM=xterm script -qec "nano -I -L $f" /dev/null
}
reset_file
works 'nano: writes the file' nano_write
is "$(now good)" old 'nano: the same bytes are taken'

# git with its directory outside
git init -q --bare "$src/git"
g="git --git-dir=$src/git --work-tree=$dir -c core.fileMode=true"
g="$g -c user.name=x -c user.email=x@example.com -c core.autocrlf=false"
export g
for n in old good bad cut; do
	blob=$($g hash-object -w "$src/$n")
	tree=$(printf '100644 blob %s\tc.pem\n' "$blob" | $g mktree)
	$g branch -f "$n" "$($g commit-tree -m "$n" "$tree")"
done
tool 'git checkout -f' 1 0 'cd $D && $g symbolic-ref HEAD refs/heads/old && $g reset -q && $g checkout -qf ${S##*/}'
tool 'git reset --hard' 1 0 'cd $D && $g symbolic-ref HEAD refs/heads/old && $g reset -q && $g reset -q --hard ${S##*/}; r=$?; $g update-ref refs/heads/old $($g log --all --format=%H --grep="^old$" | tail -n 1); exit $r'
tool 'git checkout-index' 1 0 'cd $D && $g read-tree ${S##*/} && $g checkout-index -af'
$g symbolic-ref HEAD refs/heads/none
fails 'git init inside of the mount is refused' git init -q "$dir"
like "$(cat "$M/status/last-error")" 'git --git-dir' 'and last-error says what to do'

# Archives and transfers
tool 'tar x' 1 1 'cp $S $SRC/tree/c.pem; tar c -C $SRC/tree c.pem | tar x -C $D'
tool 'tar x --overwrite' 1 1 'cp $S $SRC/tree/c.pem; tar c -C $SRC/tree c.pem | tar x --overwrite -C $D'
tool 'unzip -o' 1 0 'cp $S $SRC/tree/c.pem; cd $SRC/tree && rm -f x.zip && zip -q x.zip c.pem && unzip -qo x.zip -d $D </dev/null'
tool 'curl -o' 1 1 'curl -s -o $F file://$S'
tool 'curl >' 1 0 'curl -s file://$S >$F'
tool 'openssl base64 -out' 1 0 'base64 $S | openssl base64 -d -out $F'
tool 'sftp put' 1 1 'echo "put $S $F" | sftp -b - -D /usr/lib/openssh/sftp-server'

# Languages
tool 'python with open' 1 1 'python3 -c "
import os
with open(os.environ[\"F\"], \"w\") as f: f.write(open(os.environ[\"S\"]).read())"'
tool 'python tmp and os.replace' 1 1 'python3 -c "
import os
f = os.environ[\"F\"]
with open(f + \".tmp\", \"w\") as t: t.write(open(os.environ[\"S\"]).read())
try: os.replace(f + \".tmp\", f)
finally:
  if os.path.exists(f + \".tmp\"): os.remove(f + \".tmp\")"'
tool 'node writeFileSync' 1 1 \
	'node -e "const fs = require(\"fs\"); fs.writeFileSync(process.env.F, fs.readFileSync(process.env.S))"'
tool 'awk >' 1 1 'awk "{ print > ENVIRON[\"F\"] }" $S'
tool 'sort -o' 1 1 'sort -s -k 99 -o $F $S'
tool 'jq -r >' 1 1 'jq -Rr . <$S >$F'

# The write that a shell did not report is reported all the same.
reset_file
bash -c 'X=$(cat $SRC/cut); printf %s "$X" >$F'
settled cut >/dev/null
like "$(cat "$f.error")" '^EBADMSG ' 'a cut document: FILE.error begins with the errno'
like "$(cat "$dir/.error")" 'reason: .' '.error of the directory gives the reason'
like "$(cat "$M/events")" 'refused orgs/acme/signing/c.pem EBADMSG: ' 'events has the refusal'
reset_file
ok "$([ ! -e "$f.error" ] && [ ! -e "$dir/.error" ]; echo $?)" 'an accepted write clears both'
is "$(ls -A "$dir")" c.pem 'nothing is left behind, and .error is never listed'

# Text, by its shortest forms.
for sh in bash dash zsh mksh ksh93 'busybox ash'; do
	echo https://old.example >"$M/system/url"
	$sh -c "echo http://new.example >$M/system/url" 2>/dev/null
	is "$? $(cat "$M/system/url")" "$($sh -c 'echo 1') https://old.example" \
		"$sh echo: a bad line is refused in the write"
done
fails 'truncate: an empty url is refused' truncate -s 0 "$M/system/url"
is "$(cat "$M/system/url")" https://old.example 'and the old one stays'
bash -c 'exec 3>"$0"; echo https://fd.example >&3; /bin/true; exec 3>&-' "$M/system/url"
is "$(cat "$M/system/url")" https://fd.example 'a descriptor that children inherit'

done_testing
