/*
 * metrics.h - figures for Prometheus: status/metrics and GET /metrics.
 */
#ifndef MDMFS_ENGINE_METRICS_H
#define MDMFS_ENGINE_METRICS_H

#include "engine/base/exchange.h"
#include "engine/model/model.h"
#include "engine/wire/server.h"
#include "mdmfs/health.h"

/* Append all figures in the text format, of the organizations that the filter
 * lets see (NULL: all).  s may be NULL: no server runs. */
enum err_code metrics_text(struct engine *e, struct server *s,
    health_filter *filter, void *arg, struct buf *b, struct err *err);

/*
 * Answer GET /metrics: to clients on this machine and in the networks of
 * system/metrics-allow, to others 403.  A request that a proxy has passed on
 * (X-Forwarded-For, Forwarded) is none of this machine.
 */
void metrics_serve(struct exchange *x, struct engine *e, struct server *s);

#endif
