#include "engine/model/mass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/queue_priv.h"

#define UUID_LEN 36

static struct key
mass_key(enum kind kind, uint64_t mass)
{
	struct key k = key_of(kind);

	key_u64(&k, mass);
	return k;
}

static struct key
device_key(enum kind kind, uint32_t mass, uint32_t device)
{
	struct key k = mass_key(kind, mass);

	key_u32(&k, device);
	return k;
}

static struct key
name_key(uint32_t org, uint64_t group, const char *name)
{
	struct key k = key_of(KIND_MASS_NAME);

	key_u32(&k, org);
	key_u64(&k, group);
	key_bytes(&k, bytes_text(name));
	return k;
}

static struct key
in_org_key(uint32_t org, uint64_t mass)
{
	struct key k = key_of(KIND_MASS_OF);

	key_u32(&k, org);
	key_u64(&k, mass);
	return k;
}

/* ---- the record --------------------------------------------------------- */

enum err_code
mass_read(struct txn *t, uint32_t number, struct mass *ret, struct err *err)
{
	struct key k = mass_key(KIND_MASS, number);
	struct mass m = { .number = number };
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, err);
	size_t i;

	if (rc != ERR_OK)
		return rc;
	r = reader_of(value, &version);
	m.org = read_u32(&r);
	m.group = read_u64(&r);
	m.file = read_u64(&r);
	read_text(&r, m.name, sizeof(m.name));
	read_text(&r, m.type, sizeof(m.type));
	m.since = read_i64(&r);
	m.order = read_u64(&r);
	m.expires = read_i64(&r);
	m.ended_at = read_i64(&r);
	m.fanning = read_u8(&r) != 0;
	m.stopping = read_u8(&r) != 0;
	m.stopped_as = (enum queue_end)read_u8(&r);
	m.after = read_u32(&r);
	m.members = read_u32(&r);
	m.notes = read_u32(&r);
	for (i = 0; i < MASS_COUNTS; i++)
		m.n[i] = read_u32(&r);
	if ((rc = record_end(&r, "mass command", err)) == ERR_OK)
		*ret = m;
	return rc;
}

enum err_code
mass_store(struct txn *t, const struct mass *m, struct err *err)
{
	struct key k = mass_key(KIND_MASS, m->number);
	struct buf b = { 0 };
	enum err_code rc;
	size_t i;

	record_u8(&b, 1);
	record_u32(&b, m->org);
	record_u64(&b, m->group);
	record_u64(&b, m->file);
	record_text(&b, m->name);
	record_text(&b, m->type);
	record_i64(&b, m->since);
	record_u64(&b, m->order);
	record_i64(&b, m->expires);
	record_i64(&b, m->ended_at);
	record_u8(&b, m->fanning);
	record_u8(&b, m->stopping);
	record_u8(&b, (uint8_t)m->stopped_as);
	record_u32(&b, m->after);
	record_u32(&b, m->members);
	record_u32(&b, m->notes);
	for (i = 0; i < MASS_COUNTS; i++)
		record_u32(&b, m->n[i]);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
mass_find(struct txn *t, uint32_t org, uint64_t group, const char *name,
    struct mass *ret, struct err *err)
{
	struct key k;
	uint64_t number;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(name) <= NODE_NAME_MAX) {
		k = name_key(org, group, name);
		rc = index_get_u64(t, &k, &number);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "there was no command of that name");
	return mass_read(t, (uint32_t)number, ret, err);
}

enum err_code
mass_create(struct txn *t, struct mass *m, struct err *err)
{
	struct key name = name_key(m->org, m->group, m->name), of, end;
	uint64_t number, seq;
	enum err_code rc = counter_next(t, "mass", &number, err);

	if (rc == ERR_OK && number >> 27 != 0)
		return err_set(err, ERR_FULL, "no numbers for commands left");
	if (rc == ERR_OK)
		rc = counter_next(t, "queue", &seq, err);
	if (rc != ERR_OK)
		return rc;
	m->number = (uint32_t)number;
	m->order = QUEUE_LANE | seq;
	of = in_org_key(m->org, m->number);
	if ((rc = index_put_u64(t, &name, m->number, err)) == ERR_OK &&
	    (rc = txn_put(t, key_view(&of), BYTES_NONE, err)) == ERR_OK)
		rc = mass_store(t, m, err);
	if (rc != ERR_OK || m->expires == 0)
		return rc;
	end = queue_end_key(m->expires, (struct channel_id){ 0, 0 }, m->number);
	return txn_put(t, key_view(&end), BYTES_NONE, err);
}

/* ---- the plist ---------------------------------------------------------- */

static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* RFC 9562 version 8: the number of the command, the device's, and what
 * differs from store to store. */
void
mass_uuid(uint32_t mass, uint32_t device, int64_t since, char *ret)
{
	uint64_t salt =
	    mix((uint64_t)since ^ mix((uint64_t)mass << 32 | device));

	snprintf(ret, QUEUE_UUID_MAX + 1, "%08X-%04X-8%03X-8%X%02X-%012llX",
	    mass, device >> 16, device >> 4 & 0xfff, device & 0xf,
	    (unsigned)(salt >> 48 & 0xff),
	    (unsigned long long)(salt & UINT64_C(0xffffffffffff)));
}

bool
mass_of_uuid(const char *uuid, uint32_t device, uint32_t *mass)
{
	char head[9], rest[16];

	if (strlen(uuid) != UUID_LEN || strspn(uuid, "0123456789ABCDEF") != 8)
		return false;
	snprintf(rest, sizeof(rest), "-%04X-8%03X-8%X", device >> 16,
	    device >> 4 & 0xfff, device & 0xf);
	if (strncmp(uuid + 8, rest, strlen(rest)) != 0)
		return false;
	memcpy(head, uuid, 8);
	head[8] = '\0';
	*mass = (uint32_t)strtoul(head, NULL, 16);
	return true;
}

enum err_code
mass_put_plist(
    struct txn *t, const struct mass *m, struct bytes plist, struct err *err)
{
	struct key k = queue_command_key(QUEUE_SEQ(m->order));

	return txn_put_sealed(t, key_view(&k), plist, err);
}

enum err_code
mass_plist(struct txn *t, uint32_t number, const char *uuid, struct buf *ret,
    struct err *err)
{
	char hole[QUEUE_UUID_MAX + 1];
	size_t before = ret->len;
	struct mass m;
	struct key k;
	uint8_t *at = NULL, *p, *end;
	enum err_code rc = mass_read(t, number, &m, err);

	if (rc != ERR_OK)
		return rc;
	k = queue_command_key(QUEUE_SEQ(m.order));
	if ((rc = txn_get_sealed(t, key_view(&k), ret, err)) != ERR_OK)
		return rc;
	mass_uuid(m.number, 0, m.since, hole);
	/* CommandUUID stands behind Command: it is the last one */
	p = ret->p + before;
	end = ret->p + ret->len;
	while ((p = memmem(p, (size_t)(end - p), hole, strlen(hole))) != NULL)
		at = p++;
	if (at == NULL || strlen(uuid) != UUID_LEN)
		return err_set(err, ERR_DAMAGED, "command %u", number);
	memcpy(at, uuid, UUID_LEN);
	return ERR_OK;
}

/* ---- its devices -------------------------------------------------------- */

enum err_code
mass_order(struct txn *t, uint32_t mass, uint32_t device, uint64_t *order)
{
	struct key k = device_key(KIND_MASS_DEVICE, mass, device);

	return index_get_u64(t, &k, order);
}

enum err_code
mass_put_device(
    struct txn *t, const struct mass *m, uint32_t device, struct err *err)
{
	struct key k = device_key(KIND_MASS_DEVICE, m->number, device);

	return index_put_u64(t, &k, m->order, err);
}

bool
mass_goes_on(struct txn *t, uint32_t mass, int64_t now)
{
	struct mass m;

	return mass_read(t, mass, &m, NULL) == ERR_OK && !m.stopping &&
	       (m.expires == 0 || m.expires > now);
}

static void
move(struct mass *m, enum mass_count from, enum mass_count to)
{
	if (m->n[from] > 0)
		m->n[from]--;
	m->n[to]++;
}

enum err_code
mass_moved(struct txn *t, uint32_t mass, enum mass_count from,
    enum mass_count to, struct err *err)
{
	struct mass m;
	enum err_code rc;

	if (from == to)
		return ERR_OK;
	if ((rc = mass_read(t, mass, &m, err)) != ERR_OK)
		return rc;
	move(&m, from, to);
	/* it was sent when the others were taken back */
	if (to == MASS_NOT_NOW && m.stopping)
		rc = mass_open(t, mass, err);
	return rc == ERR_OK ? mass_store(t, &m, err) : rc;
}

enum err_code
mass_note(struct txn *t, struct mass *m, uint32_t device, enum mass_count what,
    const char *reason, struct err *err)
{
	struct key k = device_key(KIND_MASS_NOTE, m->number, device);
	struct buf b = { 0 };
	size_t len = strlen(reason);
	enum err_code rc;

	if (m->notes >= MASS_NOTES)
		return ERR_OK;
	m->notes++;
	record_u8(&b, 1);
	record_u8(&b, (uint8_t)what);
	record_bytes(
	    &b, bytes_of(reason, (size_t)text_fit(bytes_of(reason, len), 300)));
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

static bool
is_over(const struct mass *m)
{
	return !m->fanning && m->n[MASS_QUEUED] + m->n[MASS_PUSHED] +
	                              m->n[MASS_SENT] + m->n[MASS_NOT_NOW] ==
	                          0;
}

enum err_code
mass_left(struct txn *t, const struct queued *q, enum mass_count from,
    struct err *err)
{
	static const enum mass_count as[] = {
		[QUEUE_CANCELLED] = MASS_CANCELLED,
		[QUEUE_DONE] = MASS_DONE,
		[QUEUE_FAILED] = MASS_FAILED,
		[QUEUE_EXPIRED] = MASS_EXPIRED,
		[QUEUE_DROPPED] = MASS_DROPPED,
	};
	struct key k = device_key(KIND_MASS_DEVICE, q->mass, q->channel.device);
	enum mass_count to = as[q->ending];
	struct mass m;
	enum err_code rc = mass_read(t, q->mass, &m, err);

	if (rc != ERR_OK || (rc = txn_drop(t, &k, err)) != ERR_OK)
		return rc;
	move(&m, from, to);
	if (to == MASS_FAILED)
		rc = mass_note(t, &m, q->channel.device, to,
		    q->reason != NULL ? q->reason : "no reason", err);
	if (rc == ERR_OK && is_over(&m))
		rc = mass_open(t, m.number, err);
	return rc == ERR_OK ? mass_store(t, &m, err) : rc;
}

enum err_code
mass_open(struct txn *t, uint32_t mass, struct err *err)
{
	struct key k = mass_key(KIND_MASS_OPEN, mass);

	return txn_put(t, key_view(&k), BYTES_NONE, err);
}

enum err_code
mass_stop(struct txn *t, struct mass *m, enum queue_end as, struct err *err)
{
	enum err_code rc;

	if (m->stopping || m->ended_at != 0)
		return ERR_OK;
	m->stopping = true;
	m->stopped_as = as;
	if (m->fanning) {
		m->fanning = false;
		m->n[as == QUEUE_EXPIRED ? MASS_EXPIRED : MASS_CANCELLED] +=
		    m->n[MASS_LEFT];
		m->n[MASS_LEFT] = 0;
	}
	m->after = 0;
	if ((rc = mass_open(t, m->number, err)) == ERR_OK)
		rc = mass_store(t, m, err);
	return rc;
}

/* ---- gone --------------------------------------------------------------- */

static enum err_code
drop_pair(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)value;
	(void)stop;
	return txn_del(arg, key, err);
}

enum err_code
mass_drop(struct txn *t, struct mass *m, struct err *err)
{
	struct key drop[] = { mass_key(KIND_MASS, m->number),
		mass_key(KIND_MASS_OPEN, m->number),
		in_org_key(m->org, m->number),
		queue_command_key(QUEUE_SEQ(m->order)),
		queue_end_key(
		    m->expires, (struct channel_id){ 0, 0 }, m->number) };
	struct key name = name_key(m->org, m->group, m->name);
	struct key notes = mass_key(KIND_MASS_NOTE, m->number);
	uint64_t newest;
	enum err_code rc =
	    txn_each(t, key_view(&notes), BYTES_NONE, drop_pair, t, err);
	size_t i;

	for (i = 0; rc == ERR_OK && i < sizeof(drop) / sizeof(drop[0]); i++)
		rc = txn_drop(t, &drop[i], err);
	if (rc == ERR_OK && index_get_u64(t, &name, &newest) == ERR_OK &&
	    newest == m->number)
		rc = txn_drop(t, &name, err);
	return rc;
}

static enum err_code
note_number(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	uint64_t *number = arg;

	(void)value;
	(void)err;
	*number = key_get_u64(key, 5);
	*stop = true;
	return ERR_OK;
}

enum err_code
mass_drop_org(struct txn *t, uint32_t org, struct err *err)
{
	struct key prefix = key_of(KIND_MASS_OF);
	struct mass m;
	uint64_t number;
	enum err_code rc;

	key_u32(&prefix, org);
	do {
		number = 0;
		rc = txn_each(t, key_view(&prefix), BYTES_NONE, note_number,
		    &number, err);
		if (rc == ERR_OK && number != 0 &&
		    (rc = mass_read(t, (uint32_t)number, &m, err)) == ERR_OK)
			rc = mass_drop(t, &m, err);
	} while (rc == ERR_OK && number != 0);
	return rc;
}
