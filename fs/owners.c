#include "fs/owners.h"

#include "mdmfs/device.h"
#include "mdmfs/engine.h"

void
owners_init(struct owners *o)
{
	*o = (struct owners){ 0 };
	pthread_mutex_init(&o->mutex, NULL);
}

void
owners_fini(struct owners *o)
{
	pthread_mutex_destroy(&o->mutex);
}

void
owners_get(
    struct owners *o, struct engine *e, uint32_t org, struct view_owned *ret)
{
	unsigned i = org % OWNERS;
	uint64_t version = engine_version(e); /* before it is read */
	struct org_view view;
	bool found;

	pthread_mutex_lock(&o->mutex);
	found = org != 0 && o->known[i].org == org &&
	        o->known[i].version == version;
	if (found)
		*ret = o->known[i].of;
	pthread_mutex_unlock(&o->mutex);
	if (found)
		return;
	view_owner(e, org, &view);
	*ret = (struct view_owned){ view.uid, view.gid, view.mode };
	pthread_mutex_lock(&o->mutex);
	o->known[i].org = org;
	o->known[i].of = *ret;
	o->known[i].version = version;
	pthread_mutex_unlock(&o->mutex);
}

void
owners_put_device(struct owners *o, const struct owners_device *d)
{
	pthread_mutex_lock(&o->mutex);
	o->devices[d->device % OWNERS_DEVICES] = *d;
	pthread_mutex_unlock(&o->mutex);
}

enum err_code
owners_device(struct owners *o, struct engine *e, struct owners_device *d,
    struct err *err)
{
	const struct owners_device *k = &o->devices[d->device % OWNERS_DEVICES];
	uint64_t version = engine_version(e); /* before it is read */
	struct device_view view;
	enum err_code rc;
	bool found;

	pthread_mutex_lock(&o->mutex);
	found =
	    d->device != 0 && k->device == d->device && k->version == version;
	if (found)
		*d = *k;
	pthread_mutex_unlock(&o->mutex);
	if (found)
		return ERR_OK;
	if ((rc = device_get(e, d->device, &view, err)) != ERR_OK)
		return rc;
	d->org = view.org;
	d->seconds = view.seen_at != 0 ? view.seen_at : view.enrolled_at;
	d->version = version;
	owners_put_device(o, d);
	return ERR_OK;
}
