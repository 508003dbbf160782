/* What comes back from a form, and the files of invitations: bytes of
 * strangers that become text. */
#include "engine/base/text.h"
#include "engine/mdm/form.h"
#include "engine/model/invitations.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
look(const char *v)
{
	if (v != NULL && (v[0] == '\0' || !text_is_clean(bytes_text(v))))
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const fields[] = { "user", "password", "invitation",
		"form", "user-identifier" };
	struct exchange x = { .method = "POST",
		.body = bytes_of(p, len),
		.query = bytes_of(p, len),
		.arena = arena_new() };
	struct invitation_terms terms;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		look(form_value(&x, fields[i], false));
		look(form_value(&x, fields[i], true));
		look(form_query(&x, fields[i]));
	}
	if (invitation_parse(bytes_of(p, len), &terms, NULL) == ERR_OK &&
	    (terms.uses < 1 || terms.uses > INVITATION_USES_MAX))
		__builtin_trap();
	arena_free(x.arena);
	return 0;
}
