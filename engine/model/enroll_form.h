/*
 * enroll_form.h - what a page for a person who enrolls a device shows: mdm
 * decides it, portal draws it.
 */
#ifndef MDMFS_MODEL_ENROLL_FORM_H
#define MDMFS_MODEL_ENROLL_FORM_H

#include <stdbool.h>

#include "mdmfs/buf.h"

enum enroll_form_kind {
	ENROLL_FORM_ENROLL,  /* sign in or invitation, then the profile */
	ENROLL_FORM_SIGN_IN, /* the device's own web view */
	ENROLL_FORM_FIND,    /* whose mail address */
};

/* Text is plain and of any origin: whoever draws it escapes it. */
struct enroll_form {
	enum enroll_form_kind kind;
	const char *organization; /* as people know it; "" for FIND */
	const char *action;       /* where the form goes: a path */
	const char *token;        /* comes back as "form" */
	const char *nonce;        /* of the style, for the page's policy */
	bool open;                /* nothing is asked: one button */
	bool ask_user;            /* fields "user" and "password" */
	bool ask_invitation;      /* the field "invitation" */
	/* what was typed or came with the link; "" */
	const char *user;
	const char *invitation;
	const char *mail;    /* comes back as "user-identifier"; "" */
	const char *problem; /* a sentence; "" */
};

/* Append the page, HTML. */
typedef void enroll_form_fn(const struct enroll_form *f, struct buf *b);

#endif
