#include "engine/model/probe.h"

static struct key
probe_key(uint32_t org)
{
	struct key k = key_of(KIND_PROBE);

	key_u32(&k, org);
	return k;
}

enum err_code
probe_read(struct txn *t, uint32_t org, struct probe *ret, struct err *err)
{
	struct key k = probe_key(org);
	struct probe p = { .org = org };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_NOT_FOUND) {
		*ret = p;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "push test: %s", err_text(rc));
	r = reader_of(value, &version);
	p.identity_version = read_u64(&r);
	p.wish = read_u64(&r);
	p.tried_at = read_i64(&r);
	p.outcome = (enum probe_outcome)read_u8(&r);
	p.status = (int)read_u32(&r);
	read_text(&r, p.text, sizeof(p.text));
	if ((rc = record_end(&r, "push test", err)) == ERR_OK)
		*ret = p;
	return rc;
}

enum err_code
probe_store(struct txn *t, const struct probe *p, struct err *err)
{
	struct key k = probe_key(p->org);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u64(&b, p->identity_version);
	record_u64(&b, p->wish);
	record_i64(&b, p->tried_at);
	record_u8(&b, (uint8_t)p->outcome);
	record_u32(&b, (uint32_t)p->status);
	record_text(&b, p->text);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
probe_ask(struct txn *t, struct err *err)
{
	uint64_t wish;

	return counter_next(t, "probe-wish", &wish, err);
}

enum err_code
probe_wish(struct txn *t, uint64_t *ret, struct err *err)
{
	return counter_last(t, "probe-wish", ret, err);
}

enum err_code
probe_changed(struct txn *t, struct err *err)
{
	uint64_t changes;

	return counter_next(t, "probe-change", &changes, err);
}

enum err_code
probe_changes(struct txn *t, uint64_t *ret, struct err *err)
{
	return counter_last(t, "probe-change", ret, err);
}
