#include "engine/routes.h"

#include "engine/mdm/ade.h"
#include "engine/mdm/form.h"
#include "engine/mdm/ota.h"
#include "engine/metrics.h"
#include "engine/model/model.h"
#include "engine/pki/ocsp.h"
#include "engine/portal/enroll_page.h"

#define DEVICE_MAX (64u << 10) /* a signed message with a chain: 8 KiB */
#define BODY_MAX   (16u << 20) /* InstalledApplicationList and the like */

static void
exchange(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_exchange(x, c->mdm);
}

static void
scep(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	scep_serve(x, c->scep);
}

static void
crl(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	scep_crl(x, c->scep);
}

static void
ocsp(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	scep_ocsp(x, c->scep);
}

static void
enroll(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_enroll(x, c->mdm, enroll_page);
}

static void
find(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_find(x, c->mdm, enroll_page);
}

static void
well_known(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_well_known(x, c->mdm);
}

static void
account(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_account(x, c->mdm);
}

static void
authenticate(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_authenticate(x, c->mdm, enroll_page);
}

static void
ota(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_ota(x, c->mdm, enroll_page);
}

static void
ade(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_ade(x, c->mdm);
}

static void
ade_web(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_ade_web(x, c->mdm, enroll_page);
}

static void
trust(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	mdm_trust(x, c->mdm);
}

static enum err_code
look(struct txn *t, void *arg, struct err *err)
{
	(void)t;
	(void)arg;
	(void)err;
	return ERR_OK;
}

/* 200 while the store answers. */
static void
health(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;
	struct err err = { 0 };
	enum err_code rc = store_view(c->engine->store, look, NULL, &err);

	if (rc == ERR_OK)
		exchange_text(x, 200, "ok");
	else
		exchange_text(x, 503, "%s", err.msg);
}

static void
metrics(struct exchange *x, void *ctx)
{
	const struct routes_ctx *c = ctx;

	metrics_serve(x, c->engine, c->server);
}

/* clang-format off */
const struct route routes[] = {
	/* method  path                   most bytes        handler */
	{ "PUT",  "/mdm/{org}",           BODY_MAX,         exchange },
	{ "GET",  "/scep/{org}",          0,                scep },
	{ "POST", "/scep/{org}",          SCEP_MESSAGE_MAX, scep },
	{ "GET",  "/scep/{org}/*",        0,                scep },
	{ "POST", "/scep/{org}/*",        SCEP_MESSAGE_MAX, scep },
	{ "GET",  "/crl/{org}",           0,                crl },
	{ "POST", "/ocsp/{org}",          OCSP_REQUEST_MAX, ocsp },
	{ "GET",  "/ocsp/{org}/*",        0,                ocsp },
	{ "GET",  "/enroll/{org}",        0,                enroll },
	{ "POST", "/enroll/{org}",        FORM_MAX,         enroll },
	{ "GET",  "/ota/{org}",           0,                ota },
	{ "POST", "/ota/{org}",           DEVICE_MAX,       ota },
	{ "POST", "/ade/{org}",           DEVICE_MAX,       ade },
	{ "GET",  "/ade/{org}/web",       0,                ade_web },
	{ "POST", "/ade/{org}/web",       FORM_MAX,         ade_web },
	{ "GET",  "/",                    0,                find },
	{ "GET",  "/.well-known/com.apple.remotemanagement", 0, well_known },
	{ "POST", "/account/{org}",       DEVICE_MAX,       account },
	{ "GET",  "/account/{org}/authenticate", 0,         authenticate },
	{ "POST", "/account/{org}/authenticate", FORM_MAX,  authenticate },
	{ "GET",  "/trust.mobileconfig",  0,                trust },
	{ "GET",  "/metrics",             0,                metrics },
	{ "GET",  "/healthz",             0,                health },
};
/* clang-format on */

const size_t n_routes = sizeof(routes) / sizeof(routes[0]);
