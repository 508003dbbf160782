#include "engine/base/net.h"

#include "tests/tap.h"

int
main(void)
{
	ok(net_valid("192.0.2.0/24") && net_valid("192.0.2.1"), "IPv4");
	ok(net_valid("2001:db8::/32") && net_valid("::1"), "IPv6");
	ok(!net_valid("192.0.2.0/33") && !net_valid("::/129"), "too many bits");
	ok(!net_valid("192.0.2.0/") && !net_valid("192.0.2.0/x") &&
		!net_valid("192.0.2.0/-1") && !net_valid("192.0.2.0/8x"),
	    "bits that are no number");
	ok(!net_valid("mdm.example.com") && !net_valid(""), "no address");
	ok(net_contains("192.0.2.0/24", "192.0.2.200"), "inside");
	ok(!net_contains("192.0.2.0/25", "192.0.2.200"), "outside");
	ok(net_contains("2001:db8::/33", "2001:db8:7fff::1") &&
		!net_contains("2001:db8::/33", "2001:db8:8000::1"),
	    "a border within a byte");
	ok(!net_contains("0.0.0.0/0", "::1"), "another family");
	return tap_done();
}
