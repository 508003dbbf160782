#!/bin/sh
# build.sh ROOT VERSION PACKAGE: what `make install DESTDIR=ROOT PREFIX=/usr`
# has installed becomes the Debian package file PACKAGE.  Called by `make deb`.
set -eu
root=$1 version=$2 package=$3
here=$(realpath "$(dirname "$0")")
doc=$root/usr/share/doc/mdmfs
umask 022

# For programs that embed the engine: not in this package.
rm -rf "$root/usr/include" "$root"/usr/lib/*.a
# This release of Debian looks for units here.
mkdir -p "$root/lib"
mv "$root/usr/lib/systemd" "$root/lib/"
rmdir "$root/usr/lib"
strip --strip-unneeded --remove-section=.comment --remove-section=.note \
	"$root/usr/bin/mdmfs"
gzip -9n "$root"/usr/share/man/man?/*

when=$(date -uR -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct \
	2>/dev/null || date +%s)}")
who=$(sed -n 's/^Maintainer: //p' "$here/control")
printf '%s\n' "mdmfs ($version) unstable; urgency=medium" '' \
	'  * What changed is in CHANGELOG.md.gz.' '' " -- $who  $when" |
	gzip -9n >"$doc/changelog.gz"
{
	cat "$here/copyright"
	printf '%s\n' 'Files: *' 'Copyright: 2026 the mdmfs authors' \
		'License: Expat' '' 'Files: engine/schema/tables/*' \
		'Copyright: 2022-2026 Apple Inc.' 'License: Expat' '' \
		'License: Expat'
	sed -n '/^Permission is/,/^SOFTWARE\./{s/^$/./;s/^/ /;p;/ SOFTWARE\./q}' \
		"$doc/LICENSE"
} >"$doc/copyright"
rm "$doc/LICENSE" "$doc/examples/run.sh"
rm -r "$doc/examples/debian" "$doc/examples/completion"
# rsync --filter reads the tree's .gitignore files: without them --delete would
# take certificates out of the mount.
mkdir -p "$root/usr/share/lintian/overrides"
echo 'mdmfs: package-contains-vcs-control-file [usr/share/doc/mdmfs/examples/config/*]' \
	>"$root/usr/share/lintian/overrides/mdmfs"
mkdir -p "$root/usr/share/zsh"
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
gzip -9n "$doc/CHANGELOG.md"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/debian" "$root/DEBIAN"
cp "$here/control" "$work/debian/control"
(cd "$work" && dpkg-shlibdeps -O "$root/usr/bin/mdmfs" >substvars)
sed -n '/^Package:/,$p' "$here/control" | sed \
	-e "s/^Architecture: any/Architecture: $(dpkg --print-architecture)/" \
	-e "s/\${shlibs:Depends}/$(sed -n 's/^shlibs:Depends=//p' "$work/substvars")/" \
	-e "s/ \${misc:Depends},//" >"$work/binary"
{
	head -n 1 "$work/binary"
	echo "Version: $version"
	echo "Section: admin"
	echo "Priority: optional"
	echo "Maintainer: $who"
	echo "Installed-Size: $(du -k -s "$root" | cut -f 1)"
	tail -n +2 "$work/binary"
} >"$root/DEBIAN/control"
install -m 755 "$here/prerm" "$here/postrm" "$root/DEBIAN/"
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum) \
	>"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$root" "$package"
