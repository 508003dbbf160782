#!/bin/sh
# certbot-deploy-hook.sh - hand a renewed certificate to mdmfs.
#
# Put it into /etc/letsencrypt/renewal-hooks/deploy/, executable.  certbot sets
# RENEWED_LINEAGE, the folder of the renewed certificate.  No restart: the next
# connection uses the new certificate.
#
#   MDMFS_MNT   the mount (default /mnt/mdm)
#   MDMFS_NAME  do it for this host's certificate only (default: for any)
#   MDMFS_SLOT  where it goes: system/tls (default), system/tls/NAME for a
#               further name, or orgs/ORG/tls
set -eu
mnt=${MDMFS_MNT:-/mnt/mdm}
slot=$mnt/${MDMFS_SLOT:-system/tls}
from=${RENEWED_LINEAGE:?certbot sets it}

if [ -n "${MDMFS_NAME:-}" ] && [ "$(basename "$from")" != "$MDMFS_NAME" ]; then
	exit 0
fi
if [ ! -d "$mnt/system" ]; then
	echo "mdmfs is not mounted on $mnt" >&2
	exit 1
fi
[ -d "$slot" ] || mkdir -p "$slot"

# Both in one file, written under a scratch name and renamed: judged as a
# whole, in effect in one step.
tmp=$slot/certbot.pem.tmp
umask 077
trap 'rm -f "$tmp"' EXIT
cat "$from/fullchain.pem" "$from/privkey.pem" >"$tmp"
if ! mv "$tmp" "$slot/certbot.pem"; then
	cat "$mnt/status/last-error" >&2
	exit 1
fi
