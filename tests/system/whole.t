#!/bin/bash
# Tools over all of the mount: empty, bare, with examples/, and filled.  None finds a
# page that cannot be read or does not end.
. tests/system/lib.sh
. tests/system/mdm.sh
need rsync tar grep find zip diff setpriv curl openssl python3 pki xxd

# silent WHAT COMMAND...: exits 0 within a minute, and has nothing to say.
silent()
{
	silent_what=$1
	shift
	timeout 60 "$@" >"$T/silent" 2>&1
	silent_ended=$?
	is "$silent_ended $(head -c 300 "$T/silent")" '0 ' "$silent_what"
}

# finds_nothing PATTERN PATH: grep says so, and not that something failed.
finds_nothing()
{
	timeout 60 grep -r "$1" "$2" >"$T/grep" 2>&1
	[ $? -eq 1 ] && [ ! -s "$T/grep" ]
}

# walks NAME: every tool over a mount of that kind.
walks()
{
	c=$T/copies-$1
	mkdir "$c"
	silent "$1: rsync -a of status/" rsync -a "$M/status/" "$c/status/"
	silent "$1: rsync -a of all" rsync -a "$M/" "$c/rsync/"
	silent "$1: cp -r" cp -r "$M" "$c/cp-r"
	silent "$1: cp -a" cp -a "$M" "$c/cp-a"
	silent "$1: tar c" tar -C "$T" -c -f "$c/all.tar" mnt
	silent "$1: zip -r" sh -c "cd '$T' && zip -qry '$c/all.zip' mnt"
	works "$1: grep -r" finds_nothing 'no such words' "$M"
	silent "$1: du" sh -c "du -a '$M' >/dev/null"
	silent "$1: find with cat" \
		sh -c "find '$M' -type f -exec cat {} + >/dev/null"
	find "$M" | sed "s|^$M||" | sort >"$c/names"
	for copy in rsync cp-r cp-a; do
		is "$(find "$c/$copy" | sed "s|^$c/$copy||" | sort |
			diff "$c/names" -)" '' "$1: $copy has every name"
	done
	is "$(tar tf "$c/all.tar" | sed 's|^mnt||; s|/$||' | sort |
		diff "$c/names" -)" '' "$1: tar has every name"
	is "$(diff -r "$M/orgs" "$c/cp-r/orgs" 2>&1)" '' "$1: and the bytes"
	is "$(find "$M/status" "$M/devices" -type f -size 0 ! -name last-error \
		! -name queue ! -name scep-challenges)" '' \
		"$1: what is listed has something in it"
	rm -rf "$c"
}

make_pki
serve
walks empty
mkdir -p "$M/orgs/acme/apns" "$M/orgs/acme/signing" "$M/orgs/acme/tls" \
	"$M/orgs/acme/scep" "$M/orgs/acme/enrollment" "$M/system/vendor"
echo Acme >"$M/orgs/acme/name"
walks bare
rm -r "$M/orgs/acme"
silent 'examples/ is applied' rsync -a examples/config/ "$M/"
walks examples

# what cannot be made yet is not listed, and says why by name
page=status/orgs/acme
is "$(ls "$M/$page" | grep -c -e enroll.mobileconfig -e push-request)" 0 \
	'without certificates there is neither a profile nor a request'
fails 'the profile can be asked for' cat "$M/$page/enroll.mobileconfig"
like "$(cat "$M/status/last-error")" 'no push certificate for acme' 'says why'
fails 'the request, too' cat "$M/$page/apns.push-request"
like "$(cat "$M/status/last-error")" 'no vendor yet' 'says why'
mkdir -p "$M/system/vendor/sign"
openssl req -new -newkey rsa:2048 -nodes -keyout "$T/key" -subj /CN=other \
	-out "$M/system/vendor/sign/other.csr" 2>"$T/openssl"
is "$(ls "$M/status/system/vendor")" identity \
	'a request that nobody can sign is not listed'
fails 'but asked for by name' cat "$M/status/system/vendor/other.push-request"
like "$(cat "$M/status/last-error")" 'no vendor identity' 'says why'
is "$(ls -A "$M" | grep follow) $(readlink "$M/follow")" 'follow .follow' \
	'the stream is a link, which copies pass over'
works 'and is there' test -f "$M/follow"

# ---- filled
stop_server
rm -rf "$T/state"
serve
mkdir -p "$M/system/tls"
cp "$P/server.both.pem" "$M/system/tls/server.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
make_org acme
start_relay
A=WHOLE-A
enroll $A acme
ok $? 'a device enrolls'
is "$(ls "$M/$page" | grep -c enroll.mobileconfig)" 1 'now there is a profile'
for i in 1 2 3; do
	echo ProfileList >"$M/devices/$A/commands/list$i"
done
idle $A acme
report $A acme Acknowledged "$(uuid)"
is "$STATUS $(ls "$M/devices/$A/results")" '200 list1
list2
list3' 'and answers three that are the same'
is "$(stat -c %a "$M/devices/$A/results/list1")" 400 \
	'which are for the owner alone'
echo DeviceInformation >"$M/devices/$A/commands/first/info"
mkdir -p "$M/orgs/acme/groups/all" "$M/orgs/acme/signing" "$M/staging/new/orgs"
echo '*' >"$M/orgs/acme/groups/all/members"
echo note >"$M/orgs/acme/a b.md"
echo half >"$M/orgs/acme/signing/x.pem.tmp"
echo 'CN=Acme Signing' >"$M/orgs/acme/signing/subject"
walks filled

# ---- whom an organization was given to
make_org beta
chmod 700 "$M/orgs/beta"
chown -R 2001:2001 "$M/orgs/acme"
mkdir -m 777 "$T/hers"
for tool in "rsync -a $M/status/ $T/hers/rsync/" "cp -r $M/status $T/hers/cp" \
	"tar -C $M -cf $T/hers/tar status devices events README orgs/acme" \
	"cp -a $M/devices $T/hers/devices" "find $M/status $M/devices"; do
	silent "alice: ${tool%% *}" setpriv --reuid 2001 --regid 2001 \
		--clear-groups sh -c "$tool >$T/hers/out"
done
done_testing
