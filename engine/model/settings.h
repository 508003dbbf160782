/*
 * settings.h - the judgement of small configuration files.
 */
#ifndef MDMFS_MODEL_SETTINGS_H
#define MDMFS_MODEL_SETTINGS_H

#include "engine/model/place.h"

/* https://HOST[:PORT], as devices are told it. */
struct system_url {
	char text[512]; /* without a slash at the end */
	char host[256];
	uint16_t port; /* 443 unless it says otherwise */
};
/* ERR_INVALID: what is wrong with it. */
enum err_code system_url_parse(
    struct bytes file, struct system_url *ret, struct err *err);
/* system/url.  ERR_INVALID with the advice to write it if it is missing. */
enum err_code system_url_read(
    struct txn *t, struct system_url *ret, struct err *err);

/* orgs/ORG/url.  ERR_NOT_FOUND: the organization has none of its own. */
enum err_code org_url_own(
    struct txn *t, uint32_t org, struct system_url *ret, struct err *err);
/* The same, else system/url: what devices of that organization are told. */
enum err_code org_url_read(
    struct txn *t, uint32_t org, struct system_url *ret, struct err *err);

/* orgs/ORG/enrollment/access-rights; 8191 (all) without it. */
enum err_code access_rights_read(
    struct txn *t, uint32_t org, int64_t *ret, struct err *err);

/* system/notice-days: how many days before the end of a certificate an event
 * says so; 60, 30, 10, 3 and 1 without it. */
#define NOTICE_DAYS_MAX 16
struct notice_days {
	unsigned n;
	int days[NOTICE_DAYS_MAX]; /* falling, each once */
};
enum err_code notice_days_parse(
    struct bytes file, struct notice_days *ret, struct err *err);
enum err_code notice_days_read(
    struct txn *t, struct notice_days *ret, struct err *err);

/* Rules for places: see place.c. */
enum err_code url_judge(struct change *c, struct err *err);
enum err_code url_apply(struct txn *t, struct change *c, struct err *err);
enum err_code url_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
enum err_code line_judge(struct change *c, struct err *err);
enum err_code rights_judge(struct change *c, struct err *err);
enum err_code networks_judge(struct change *c, struct err *err);
enum err_code notice_days_judge(struct change *c, struct err *err);

#endif
