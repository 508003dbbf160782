/* The doctor on a machine that knows no roots. */
#include "tests/model/health.h"

int
main(void)
{
	health_begin("none.pem");
	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ .by = "own-sub", .chain = OWN_CHAIN });
	expect("roots", "", HEALTH_WARN, "ca-certificates",
	    "what to install is told");
	expect_none("tls.root", "", "and no root is judged");
	return health_done();
}
