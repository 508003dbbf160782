#!/bin/sh
# run.sh MDMFS STATE MNT: start a server in the background, mounted on MNT, and
# say what to do next.  Called by `make run`.
set -eu
mdmfs=$1 state=$2 mnt=$3
listen=${LISTEN:-[::]:8443}

if grep -q " $(realpath -m "$mnt") fuse" /proc/self/mounts; then
	if ls "$mnt" >/dev/null 2>&1; then
		echo "It runs already: see $mnt/README. Stop it: umount $mnt"
		exit 0
	fi
	umount -l "$mnt" # a server that died left it
fi
if [ ! -c /dev/fuse ]; then
	echo "There is no /dev/fuse: load the module (modprobe fuse), or give" \
		"the container the device (--device /dev/fuse --cap-add SYS_ADMIN)." >&2
	exit 1
fi
mkdir -p "$state" "$mnt"
# shellcheck disable=SC2086 # options, split on purpose
"$mdmfs" --listen "$listen" ${MDMFS_OPTIONS:-} "$state" "$mnt"
cat <<END
mdmfs serves, and is mounted on $mnt (state: $state).

Next:
  cat $mnt/README                                     all of it on one screen
  echo https://$(hostname):${listen##*:} > $mnt/system/url   what devices are told
  mkdir -p $mnt/orgs/acme/apns                        an organization
  cp push.p12 $mnt/orgs/acme/apns/                    its push certificate
  cat $mnt/status/orgs/acme/enroll.mobileconfig       enrolls a device
  cat $mnt/status/certificates                        what each certificate does
  cat $mnt/status/doctor                              every check, with the remedy
  cat $mnt/status/last-error                          why a write was refused
  tail -F $mnt/events                                 what happens
Stop it:
  umount $mnt
END
