#include "mdmfs/err.h"

#include <errno.h>
#include <string.h>

#include "tests/tap.h"

int
main(void)
{
	struct err err = { 0 };
	char long_text[3000];
	size_t len;

	ok(err_set(&err, ERR_INVALID, "%s %d", "key", 7) == ERR_INVALID &&
		err.code == ERR_INVALID && strcmp(err.msg, "key 7") == 0,
	    "a failure has a code and a message");
	ok(err_context(&err, "file %s", "x") == ERR_INVALID &&
		strcmp(err.msg, "file x: key 7") == 0,
	    "context stands in front");
	ok(err_add(&err, ERR_UNDECODABLE, "more") == ERR_INVALID &&
		strcmp(err.msg, "file x: key 7\nmore") == 0,
	    "a further finding is a line, the first code stays");
	err = (struct err){ 0 };
	ok(err_add(&err, ERR_TOO_BIG, "one") == ERR_TOO_BIG &&
		strcmp(err.msg, "one") == 0,
	    "the first finding sets the code");
	ok(err_set(NULL, ERR_DENIED, "x") == ERR_DENIED &&
		err_add(NULL, ERR_DENIED, "x") == ERR_DENIED,
	    "nobody need listen");
	memset(long_text, 0, sizeof(long_text));
	for (len = 0; len + 3 < sizeof(long_text); len += 3)
		memcpy(long_text + len, "\xe2\x82\xac", 3);
	ok(err_set(&err, ERR_INVALID, "%s", long_text) == ERR_INVALID &&
		strlen(err.msg) % 3 == 0 && strlen(err.msg) > 1000,
	    "a long message is cut at a character");
	ok(err_add(&err, ERR_INVALID, "%s", long_text) == ERR_INVALID &&
		strlen(err.msg) < sizeof(err.msg),
	    "findings that do not fit are cut");
	ok(err_context(&err, "%s", long_text) == ERR_INVALID &&
		strlen(err.msg) < sizeof(err.msg),
	    "context that does not fit is cut");
	ok(err_errno(ERR_OK) == 0 && err_http(ERR_OK) == 200,
	    "no failure: 0 and 200");
	ok(err_errno(ERR_UNDECODABLE) == EBADMSG &&
		err_errno(ERR_INVALID) == EPROTO &&
		err_errno(ERR_KEY_REJECTED) == EKEYREJECTED,
	    "errnos as the contract says");
	ok(strcmp(err_name(ERR_NOT_FOUND), "NOT_FOUND") == 0 &&
		strcmp(err_text(ERR_NOT_FOUND), "not found") == 0,
	    "codes have a name and words");
	return tap_done();
}
