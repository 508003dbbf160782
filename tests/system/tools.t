#!/bin/bash
# Administrators' tools, as root; and how a refusal is told.
. tests/system/lib.sh
. tests/system/matrix.sh

start_server
matrix root

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
