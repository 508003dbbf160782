/*
 * form.h - pages with forms: their fields, the headers that go with them, and
 * the proof that a form which comes back is one of ours.
 *
 * The proof is a double submit: a random value in a cookie, and in the form a
 * token (HMAC) over that value, the time and the page's scope.  Who sends none
 * of the headers that browsers send (Origin, Referer, Cookie, Sec-Fetch-Site)
 * is a script and needs none: nobody can make it send another's form.
 */
#ifndef MDMFS_MDM_FORM_H
#define MDMFS_MDM_FORM_H

#include "engine/mdm/mdm.h"
#include "engine/model/enroll_form.h"

#define FORM_MAX  8192 /* bytes of a form that comes back */
#define FORM_LIFE INT64_C(3600)
#define FORM_KEY  32

/* A field of the form in the body (application/x-www-form-urlencoded), decoded,
 * in the arena, without white space around it unless raw.  NULL: absent, empty,
 * or no text. */
const char *form_value(const struct exchange *x, const char *name, bool raw);
/* The same of the query. */
const char *form_query(const struct exchange *x, const char *name);

/* Whether the client wants a page, not a line of text. */
bool form_wants_page(const struct exchange *x);

/* Answer with the page: fills in token and nonce, adds its headers.  scope is
 * what the form is for, such as "enroll/acme". */
void form_answer(struct mdm *m, struct exchange *x, int status,
    const char *scope, const struct enroll_form *f, enroll_form_fn *draw);

/* ERR_DENIED with a sentence for people. */
enum err_code form_check(struct mdm *m, const struct exchange *x,
    const char *scope, struct err *err);

/* Append "/enroll/" and the organization's name, percent-encoded. */
void form_path(struct buf *b, const char *path, const char *org);

/* b as text in the arena, "" when out of memory; b is freed. */
const char *form_keep(struct exchange *x, struct buf *b);

/* Nobody keeps the answer. */
void form_private(struct exchange *x);

#endif
