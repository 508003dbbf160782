/*
 * health.h - pages on the state of the installation: which certificate does
 * what, whether it works, what to do.
 */
#ifndef MDMFS_HEALTH_H
#define MDMFS_HEALTH_H

#include "mdmfs/engine.h"
#include "mdmfs/file.h"

/* Whether the caller may see that organization (0: the system, always). */
typedef bool health_filter(void *arg, uint32_t org);

/* status/certificates: one page for people, worst first. */
enum err_code health_certificates_page(struct engine *e, health_filter *filter,
    void *arg, struct buf *b, struct err *err);

/* status/metrics: figures in Prometheus' text format. */
enum err_code health_metrics_page(struct engine *e, health_filter *filter,
    void *arg, struct buf *b, struct err *err);

/* status/certificates.svg: the same as a time line. */
enum err_code health_certificates_svg(struct engine *e, health_filter *filter,
    void *arg, struct buf *b, struct err *err);

/*
 * status/doctor: one line a check,
 *     STATE TAB NAME TAB WHOSE TAB CAUSE TAB REMEDY
 * STATE is pass, warn or FAIL; NAME is stable, section DOCTOR of mdmfs(7) has
 * all of them; WHOSE is an organization, tls/NAME or "-"; REMEDY is "-" of a
 * pass.  Causes of checks named *.end have days-left=N.  The worst first.  When
 * there are many organizations, what passes in all is one line.
 */
enum err_code health_doctor_page(struct engine *e, health_filter *filter,
    void *arg, struct buf *b, struct err *err);

/* "live" written to status/doctor: ask the push service about every push
 * certificate now.  Returns at once; the page shows the outcome.
 * ERR_INVALID: another word. */
enum err_code health_doctor_write(
    struct engine *e, struct bytes bytes, struct err *err);

#endif
