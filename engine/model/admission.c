#include "engine/model/admission.h"

#include <string.h>

#include "engine/model/orgs.h"

void
admission_record(struct buf *b, const struct admission *a)
{
	record_u8(b, (uint8_t)a->way);
	record_u8(b, (uint8_t)a->mode);
	record_u64(b, a->invitation);
	record_text(b, a->user);
	record_text(b, a->name);
	record_text(b, a->serial);
	record_text(b, a->apple_id);
	record_raw(b, a->token, sizeof(a->token));
}

void
admission_read(struct reader *r, struct admission *ret)
{
	ret->way = (enum admission_way)read_u8(r);
	ret->mode = (enum admission_mode)read_u8(r);
	ret->invitation = read_u64(r);
	read_text(r, ret->user, sizeof(ret->user));
	read_text(r, ret->name, sizeof(ret->name));
	read_text(r, ret->serial, sizeof(ret->serial));
	read_text(r, ret->apple_id, sizeof(ret->apple_id));
	read_raw(r, ret->token, sizeof(ret->token));
}

bool
admission_is_open(struct txn *t, uint32_t org)
{
	struct node n;

	return org_file(t, org, "enrollment", "open", &n, NULL) == ERR_OK;
}
