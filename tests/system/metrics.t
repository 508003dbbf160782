#!/bin/bash
# Figures for Prometheus: in the mount, and over HTTPS for whom they are.
. tests/system/lib.sh
need curl setpriv

start_server
url=https://127.0.0.1:$PORT/metrics
ask()
{
	curl -sk -o "$T/answer" -w '%{http_code}' "$@" "$url"
}

is "$(ask)" 200 "this machine may read them"
like "$(cat "$T/answer")" '^mdmfs_info\{version="[0-9.]+"\} 1$' \
	"they say what runs"
is "$(grep -vcE '^(# (HELP|TYPE) mdmfs_|mdmfs_[a-z_]+(\{.*\})? [0-9]+$)' \
	"$T/answer")" 0 "each line is one of Prometheus' text format"
before=$(sed -n 's/^mdmfs_requests_total //p' "$T/answer")
ask >"$T/code"
after=$(sed -n 's/^mdmfs_requests_total //p' "$T/answer")
ok $((after <= before)) "they count"
is "$(ask -H 'X-Forwarded-For: 192.0.2.7')" 403 \
	"what a proxy passes on is none of this machine"
like "$(cat "$T/answer")" 'system/metrics-allow' "the way out is told"

mkdir "$M/orgs/acme" "$M/orgs/other"
chmod 700 "$M/orgs/acme" "$M/orgs/other"
chown 4711 "$M/orgs/acme"
like "$(cat "$M/status/metrics")" 'enrolled\{organization="other"\} 0' \
	"the mount shows root the same"
setpriv --reuid 4711 --clear-groups cat "$M/status/metrics" >"$T/alice"
like "$(cat "$T/alice")" 'organization="acme"' \
	"and others their own organizations"
is "$(grep -c 'organization="other"' "$T/alice")" 0 "and no more"
fails "nobody writes there" sh -c "echo 1 >'$M/status/metrics'"
done_testing
