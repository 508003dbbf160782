#include "mdmfs/health.h"

#include "fs/handlers.h"
#include "fs/view.h"

/*
 * Pages on the state of the installation: what is the system's everybody may
 * read, of organizations only those that the caller sees.
 */
typedef enum err_code health_page_fn(struct engine *e, health_filter *filter,
    void *arg, struct buf *b, struct err *err);

static bool
sees(void *arg, uint32_t org)
{
	return org == 0 || view_filter(arg, org);
}

static enum err_code
page(const struct at *at, health_page_fn *fn, struct buf *b, struct err *err)
{
	struct view_orgs orgs;
	enum err_code rc = view_orgs_init(&orgs, at->engine, at->view, err);

	if (rc == ERR_OK)
		rc = fn(at->engine, orgs.all ? NULL : sees, &orgs, b, err);
	view_orgs_fini(&orgs);
	return rc;
}

enum err_code
health_certificates_read(const struct at *at, struct buf *b, struct err *err)
{
	return page(at, health_certificates_page, b, err);
}

enum err_code
health_scep_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_scep_page(at->engine, at->org, b, err);
}

enum err_code
health_svg_read(const struct at *at, struct buf *b, struct err *err)
{
	return page(at, health_certificates_svg, b, err);
}

enum err_code
health_metrics_read(const struct at *at, struct buf *b, struct err *err)
{
	return page(at, health_metrics_page, b, err);
}

enum err_code
status_doctor_read(const struct at *at, struct buf *b, struct err *err)
{
	return page(at, health_doctor_page, b, err);
}

enum err_code
status_doctor_write(const struct at *at, struct bytes bytes, struct err *err)
{
	return health_doctor_write(at->engine, bytes, err);
}
