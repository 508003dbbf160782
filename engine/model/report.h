/*
 * report.h - what a device says of its commands, and what it is sent next.
 */
#ifndef MDMFS_MODEL_REPORT_H
#define MDMFS_MODEL_REPORT_H

#include "engine/model/enrollment.h"

enum report_status {
	REPORT_IDLE,
	REPORT_ACKNOWLEDGED,
	REPORT_ERROR,
	REPORT_FORMAT_ERROR,
	REPORT_NOT_NOW,
	REPORT_STATUSES, /* how many */
};

struct report {
	struct speaker speaker;
	enum report_status status;
	const char *uuid;   /* NULL with Idle */
	struct bytes bytes; /* the message as it came: results/NAME */
};

/*
 * Take the report and append the next command's plist to reply (nothing: the
 * queue has none for this session).  Answers that come twice do no harm.
 */
enum err_code report_take(
    struct txn *t, const struct report *r, struct buf *reply, struct err *err);

/* The same for a view: ERR_CHANGED if report_take() would have to change
 * something, so that an idle device costs no write. */
enum err_code report_is_idle(
    struct txn *t, const struct report *r, struct err *err);

#endif
