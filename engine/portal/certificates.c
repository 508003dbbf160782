#include "engine/portal/certificates.h"

typedef void render_fn(const struct health *h, struct buf *b);

struct caller {
	health_filter *filter;
	void *arg;
};

static enum err_code
render(struct engine *e, const struct caller *c, render_fn *fn, struct buf *b,
    struct err *err)
{
	struct health h = { 0 };
	enum err_code rc = health_examine(e, c->filter, c->arg, &h, err);

	if (rc != ERR_OK)
		return rc;
	fn(&h, b);
	health_fini(&h);
	return buf_error(b, err);
}

enum err_code
health_certificates_page(struct engine *e, health_filter *filter, void *arg,
    struct buf *b, struct err *err)
{
	struct caller c = { filter, arg };

	return render(e, &c, certificates_page, b, err);
}

enum err_code
health_certificates_svg(struct engine *e, health_filter *filter, void *arg,
    struct buf *b, struct err *err)
{
	struct caller c = { filter, arg };

	return render(e, &c, certificates_svg, b, err);
}
