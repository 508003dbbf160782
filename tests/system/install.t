#!/bin/bash
# make install: what is where, and what it says of itself.
. tests/system/lib.sh
need make zsh dpkg-deb dpkg-shlibdeps

root=$T/root
works 'make install with DESTDIR and PREFIX' \
	env -u MAKEFLAGS -u MFLAGS make -s install B="${B:-build}" DESTDIR="$root" PREFIX=/opt/mdm
for f in bin/mdmfs lib/libmdmfs.a include/mdmfs/engine.h \
	lib/systemd/system/mdmfs.service share/man/man7/mdmfs.7 \
	share/man/man8/mdmfs.8 share/doc/mdmfs/README.md \
	share/doc/mdmfs/LICENSE share/doc/mdmfs/examples/mnt-mdm.mount \
	share/doc/mdmfs/examples/config/orgs/acme/apns/.gitignore \
	share/bash-completion/completions/mdmfs \
	share/zsh/site-functions/_mdmfs; do
	ok "$([ -s "$root/opt/mdm/$f" ]; echo $?)" "$f"
done
like "$("$root/opt/mdm/bin/mdmfs" --version)" '^mdmfs [0-9]' 'the program runs'
like "$(cat "$root/opt/mdm/lib/systemd/system/mdmfs.service")" \
	'^ExecStart=/opt/mdm/bin/mdmfs -f ' 'the unit starts that one'
like "$(cat "$root/opt/mdm/share/doc/mdmfs/examples/mdmfs.service")" \
	'^ExecStart=/opt/mdm/bin/mdmfs -f ' 'so does the one among the examples'
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
mkdir -p tree/devices/U/commands && touch tree/devices/U/commands/lock
is "$(offers mdmfs wait tr)" 'tree ' 'wait: a mount'
is "$(offers mdmfs wait tree dev) $(offers mdmfs wait --timeout 5 tree \
	devices/U/commands/)" 'devices/  devices/U/commands/lock ' \
	'and then what is below it'
# zsh_makes TEXT PATTERN: what zsh makes of it and a tab; it may ring in between
zsh_makes()
{
	TERM=dumb timeout 30 zsh -f -c '
	zmodload zsh/zpty
	zpty shell zsh -f -i
	zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u"
	zpty -w shell "bindkey \"^I\" complete-word; print begin"
	zpty -r shell out "*begin*begin*"
	zpty -w -n shell "$2"$'"'\t'"'
	zpty -r shell out "$3"' - \
		"$root/opt/mdm/share/zsh/site-functions" "$1" "$2"
}
works 'zsh completes verbs' zsh_makes 'mdmfs doc' '*doc*tor*'
works 'options' zsh_makes 'mdmfs --sq' '*--squash-root*'
works 'folders behind check' zsh_makes 'mdmfs check tr' '*tree/*'
works 'addresses' zsh_makes 'mdmfs --listen 127' '*127.0.0.1:8443*'
works 'and what is below a mount' \
	zsh_makes 'mdmfs wait tree devices/U/commands/lo' '*commands/lock*'
for o in $("$MDMFS" --help | grep -o '^  --[a-z-]*'); do
	like " $(offers mdmfs "$o")" " $o " "completion knows $o"
done
for o in $("$MDMFS" --help | grep -o '^  --[a-z-]*'); do
	ok "$(grep -q -e "'\*\?$o" "$root/opt/mdm/share/zsh/site-functions/_mdmfs"
		echo $?)" "zsh's knows $o"
done

# ---- and away again
cd "$OLDPWD" || exit 1
works 'make uninstall' env -u MAKEFLAGS -u MFLAGS make -s uninstall \
	B="${B:-build}" DESTDIR="$root" PREFIX=/opt/mdm
is "$(find "$root" -type f)" '' 'leaves no file'

# ---- the package
env -u MAKEFLAGS -u MFLAGS make -s install B="${B:-build}" DESTDIR="$T/deb" \
	PREFIX=/usr
works 'what make deb makes of an installation' \
	sh examples/debian/build.sh "$T/deb" 0.1.0 "$T/mdmfs.deb"
works 'is a package' dpkg-deb -x "$T/mdmfs.deb" "$T/unpacked"
for f in usr/bin/mdmfs lib/systemd/system/mdmfs.service \
	usr/share/zsh/vendor-completions/_mdmfs; do
	ok "$([ -s "$T/unpacked/$f" ]; echo $?)" "with $f"
done
is "$(cd "$T/unpacked/usr/share/doc/mdmfs" && find examples/config -type f | sort)" \
	"$(find examples/config -type f | sort)" \
	'the tree in it is whole: --filter reads the .gitignore files'
like "$(cat "$T/unpacked/usr/share/doc/mdmfs/examples/mdmfs.service")" \
	'^ExecStart=/usr/bin/mdmfs ' 'its unit starts its program'
done_testing
