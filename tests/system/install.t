#!/bin/bash
# make install: what is where, and what it says of itself.
. tests/system/lib.sh
need make

root=$T/root
works 'make install with DESTDIR and PREFIX' \
	env -u MAKEFLAGS -u MFLAGS make -s install B="${B:-build}" DESTDIR="$root" PREFIX=/opt/mdm
for f in bin/mdmfs lib/libmdmfs.a include/mdmfs/engine.h \
	lib/systemd/system/mdmfs.service share/man/man7/mdmfs.7 \
	share/man/man8/mdmfs.8 share/doc/mdmfs/README.md \
	share/doc/mdmfs/LICENSE share/doc/mdmfs/examples/mnt-mdm.mount \
	share/bash-completion/completions/mdmfs; do
	ok "$([ -s "$root/opt/mdm/$f" ]; echo $?)" "$f"
done
like "$("$root/opt/mdm/bin/mdmfs" --version)" '^mdmfs [0-9]' 'the program runs'
like "$(cat "$root/opt/mdm/lib/systemd/system/mdmfs.service")" \
	'^ExecStart=/opt/mdm/bin/mdmfs -f ' 'the unit starts that one'
is "$(find "$root" -newer "$root/opt" -type f ! -perm -444 | wc -l)" 0 \
	'everybody may read all of it'

# ---- completion
# complete WORD...: what it offers for the last one
offers()
{
	bash -c '. "$1"; shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_mdmfs
	printf "%s\n" "${COMPREPLY[@]}"' - \
		"$root/opt/mdm/share/bash-completion/completions/mdmfs" "$@" |
		tr '\n' ' '
}
cd "$T" || exit 1
mkdir -p empty tree
is "$(offers mdmfs 'do')" 'doctor ' 'bash completes verbs'
is "$(offers mdmfs '' | grep -o -w -e doctor -e check -e backup -e restore | sort | tr '\n' ' ')" \
	'backup check doctor restore ' 'all of them'
is "$(offers mdmfs check tr)" 'tree ' 'folders behind check'
is "$(offers mdmfs --sq)" '--squash-root ' 'options'
is "$(offers mdmfs --squash-root www-d)" 'www-data ' 'users'
is "$(offers mdmfs backup --)" '--key-file ' "a verb's options"
for o in $("$MDMFS" --help | grep -o '^  --[a-z-]*'); do
	like " $(offers mdmfs "$o")" " $o " "completion knows $o"
done
done_testing
