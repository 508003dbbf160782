#!/bin/bash
# What tools do that the matrix does not have: they keep a backup, give up in
# the middle, or are ended.  A refused write changes nothing then, either.
. tests/system/lib.sh

need rsync sed perl truncate

start_server
mkdir -p "$M/orgs/acme/groups/all"
f=$M/orgs/acme/groups/all/members
printf 'A B\n' >"$T/bad"

# reset: the file holds OLD, and nothing is beside it.
reset()
{
	rm -f "$f"~ && printf 'OLD\n' >"$f"
}

# refused WHAT COMMAND...: it fails, and the old content is there.
refused()
{
	what=$1
	shift
	reset
	fails "$what: it is refused" "$@"
	is "$(cat "$f")" OLD 'the old content stays'
}

# The old file was moved away, and what was to replace it is bad.
refused 'rsync --backup' rsync -abI "$T/bad" "$f"
refused 'sed -i~' sed -i~ 's/OLD/A B/' "$f"
refused 'perl -i~' perl -i~ -pe 's/OLD/A B/' "$f"
refused 'install -b' install -b "$T/bad" "$f"
cp "$T/bad" "$f.tmp"
refused 'mv -b' mv -b "$f.tmp" "$f"
is "$(cat "$f.tmp")" 'A B' 'and what was to be moved is where it was'
is "$(cat "$f"~)" OLD 'so is the backup'
works 'a good one is moved' bash -c "echo NEW >'$f.tmp' && mv -b '$f.tmp' '$f'"
is "$(cat "$f" "$f"~)" "$(printf 'NEW\nOLD')" 'and the old one is its backup'

# cp that came to a hole and could not go on had emptied the file before.
truncate -s 10M "$T/hole"
refused 'a file that is one hole' cp "$T/hole" "$f"
like "$(cat "$f.error")" '^EFBIG ' 'it is too large'

done_testing
