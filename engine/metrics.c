#include "engine/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/net.h"
#include "engine/base/text.h"
#include "engine/model/health.h"
#include "engine/model/orgs.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The text format: "\\", "\"" and newlines of a label's value are escaped. */
static void
label(struct buf *b, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_char(b, '\\');
		if (*value == '\n')
			buf_text(b, "\\n");
		else
			buf_char(b, *value);
	}
}

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP mdmfs_%s %s\n# TYPE mdmfs_%s %s\n", name, help,
	    name, type);
}

static void
numbers(struct engine *e, struct server *s, const struct store_stat *st,
    struct buf *b)
{
	struct server_counts c = { 0 };

	if (s != NULL)
		server_counts(s, &c);
	/* clang-format off */
	const struct { const char *name; const char *type; uint64_t value; const char *help; } rows[] = {
		{ "connections",             "gauge",   c.connections,       "HTTPS connections that are open." },
		{ "connections_total",       "counter", c.accepted,          "HTTPS connections so far." },
		{ "handshakes_failed_total", "counter", c.handshakes_failed, "Connections on which TLS never stood." },
		{ "requests_total",          "counter", c.requests,          "Requests that were handled." },
		{ "requests_refused_total",  "counter", c.refused,           "Requests that were refused unread." },
		{ "store_bytes",             "gauge",   st->used_bytes,      "Bytes that the store uses." },
		{ "store_limit_bytes",       "gauge",   st->limit_bytes,     "Bytes that it may use." },
		{ "store_records",           "gauge",   st->pairs,           "Records in the store." },
		{ "store_commits_total",     "counter", st->commits,         "Syncs of the store." },
		{ "store_updates_total",     "counter", st->updates,         "Changes that they made durable." },
	};
	/* clang-format on */
	size_t i;

	head(b, "info", "gauge", "What runs.");
	buf_printf(b, "mdmfs_info{version=\"%s\"} 1\n", MDMFS_VERSION);
	head(b, "time_seconds", "gauge", "The server's clock.");
	buf_printf(b, "mdmfs_time_seconds %" PRId64 "\n", engine_now(e));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		head(b, rows[i].name, rows[i].type, rows[i].help);
		buf_printf(
		    b, "mdmfs_%s %" PRIu64 "\n", rows[i].name, rows[i].value);
	}
}

static const char *
role_name(enum health_role role)
{
	/* clang-format off */
	static const char *const names[HEALTH_ROLES] = {
		[HEALTH_TLS]       = "tls",
		[HEALTH_SIGNING]   = "signing",
		[HEALTH_PUSH]      = "push",
		[HEALTH_DEVICE_CA] = "device-ca",
		[HEALTH_OTHER_CA]  = "scep-ca",
		[HEALTH_VENDOR]    = "vendor",
	};
	/* clang-format on */

	return names[role];
}

static void
certificates(const struct health *h, struct buf *b)
{
	size_t i;

	head(b, "certificate_ends_seconds", "gauge",
	    "When a certificate or its chain ends, since 1970.");
	for (i = 0; i < h->n_certs; i++) {
		const struct health_cert *c = &h->certs[i];

		if (!c->present)
			continue;
		buf_printf(b,
		    "mdmfs_certificate_ends_seconds{role=\"%s\",whose=\"",
		    role_name(c->role));
		label(b, c->whose);
		buf_text(b, "\",serial=\"");
		label(b, c->facts.serial);
		buf_printf(b, "\"} %" PRId64 "\n", c->ends);
	}
}

static void
checks(const struct health *h, struct buf *b)
{
	uint64_t n[3] = { 0 };
	size_t i;

	for (i = 0; i < h->n_checks; i++)
		n[h->checks[i].state]++;
	head(b, "checks", "gauge", "Lines of status/doctor by their state.");
	buf_printf(b,
	    "mdmfs_checks{state=\"pass\"} %" PRIu64
	    "\nmdmfs_checks{state=\"warn\"} %" PRIu64
	    "\nmdmfs_checks{state=\"fail\"} %" PRIu64 "\n",
	    n[HEALTH_PASS], n[HEALTH_WARN], n[HEALTH_FAIL]);
	head(b, "devices_enrolled", "gauge", "Devices that are enrolled.");
	for (i = 0; i < h->n_devices; i++) {
		buf_text(b, "mdmfs_devices_enrolled{organization=\"");
		label(b, h->devices[i].whose);
		buf_printf(b, "\"} %" PRIu32 "\n", h->devices[i].enrolled);
	}
}

enum err_code
metrics_text(struct engine *e, struct server *s, health_filter *filter,
    void *arg, struct buf *b, struct err *err)
{
	struct health h = { .n_checks = 0 };
	struct store_stat st;
	enum err_code rc = store_stat(e->store, &st, err);

	if (rc != ERR_OK ||
	    (rc = health_examine(e, filter, arg, &h, err)) != ERR_OK)
		return rc;
	numbers(e, s, &st, b);
	certificates(&h, b);
	checks(&h, b);
	health_fini(&h);
	return buf_error(b, err);
}

/* ---- over HTTP ---------------------------------------------------------- */

struct asker {
	const char *peer;
	bool welcome;
};

/* Whether a line of system/metrics-allow holds the address. */
static enum err_code
allowed_txn(struct txn *t, void *arg, struct err *err)
{
	struct asker *a = arg;
	struct buf text = { 0 };
	struct bytes rest, line;
	char cidr[64];
	struct node n;
	enum err_code rc = org_file(t, 0, NULL, "metrics-allow", &n, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &text, err);
	rest = buf_view(&text);
	while (rc == ERR_OK && text_line(&rest, &line)) {
		line = text_trim(line);
		if (line.len == 0 || line.p[0] == '#' ||
		    line.len >= sizeof(cidr))
			continue;
		memcpy(cidr, line.p, line.len);
		cidr[line.len] = '\0';
		a->welcome |= net_contains(cidr, a->peer);
	}
	buf_free(&text);
	return rc;
}

static bool
is_welcome(const struct exchange *x, struct engine *e)
{
	struct asker a = { .peer = x->peer };

	if (exchange_header(x, "x-forwarded-for").p != NULL ||
	    exchange_header(x, "forwarded").p != NULL)
		return false;
	if (net_contains("127.0.0.0/8", x->peer) ||
	    net_contains("::1", x->peer))
		return true;
	return store_view(e->store, allowed_txn, &a, NULL) == ERR_OK &&
	       a.welcome;
}

void
metrics_serve(struct exchange *x, struct engine *e, struct server *s)
{
	struct err err = { 0 };
	enum err_code rc;

	if (!is_welcome(x, e)) {
		exchange_text(x, 403,
		    "metrics are for this machine, and for the networks in "
		    "system/metrics-allow");
		return;
	}
	rc = metrics_text(e, s, NULL, NULL, &x->reply, &err);
	if (rc != ERR_OK) {
		exchange_text(x, err_http(rc), "%s", err.msg);
		return;
	}
	x->status = 200;
	x->content_type = TYPE;
}
