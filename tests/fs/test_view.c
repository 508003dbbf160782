/* Who may do what, by owner, group and mode. */
#include "fs/view.h"

#include "tests/tap.h"

int
main(void)
{
	const struct view root = { .uid = 0 };
	const struct view owner = { .uid = 7, .gid = 70 };
	const struct view member = {
		.uid = 8, .gid = 80, .ngroups = 2, .groups = { 60, 50 }
	};
	const struct view primary = { .uid = 8, .gid = 50 };
	const struct view other = { .uid = 9, .gid = 90 };
	const struct view_owned file = { 7, 50, 0640 };
	const struct view_owned odd = { 7, 50, 0077 };
	struct org_view org = { .uid = 7, .gid = 50, .mode = 0750 };

	ok(view_may(&root, &odd, VIEW_READ | VIEW_WRITE), "root may all");
	ok(view_may(&owner, &file, VIEW_READ | VIEW_WRITE),
	    "the owner's bits are the first");
	ok(!view_may(&owner, &file, VIEW_EXECUTE), "all that is wanted counts");
	ok(!view_may(&owner, &odd, VIEW_READ),
	    "an owner without rights has none, whatever others have");
	ok(view_may(&member, &file, VIEW_READ), "a further group counts");
	ok(view_may(&primary, &file, VIEW_READ), "so does the first one");
	ok(!view_may(&member, &file, VIEW_WRITE), "with its bits");
	ok(!view_may(&other, &file, VIEW_READ), "others have the last bits");
	ok(view_may(&other, &odd, VIEW_READ | VIEW_WRITE | VIEW_EXECUTE),
	    "where they have some");

	ok(view_sees(&root, &org) && view_sees(&owner, &org) &&
		view_sees(&member, &org) && !view_sees(&other, &org),
	    "an organization is seen by who may list it");
	org.mode = 0744;
	ok(!view_sees(&other, &org), "r alone is not enough");
	return tap_done();
}
