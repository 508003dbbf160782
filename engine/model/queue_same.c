/*
 * Which commands are the same, and which only ask.
 */
#include <string.h>

#include <openssl/sha.h>

#include "engine/base/pl.h"
#include "engine/model/queue.h"

/* What they ask is the same however often they are asked, and nothing is
 * different afterwards. */
static const char *const asking[] = { "ActiveNSExtensions",
	"AvailableOSUpdates", "CertificateList", "ContentCachingInformation",
	"DeviceInformation", "DeviceLocation", "InstalledApplicationList",
	"ManagedApplicationAttributes", "ManagedApplicationConfiguration",
	"ManagedApplicationList", "ManagedMediaList", "NSExtensionMappings",
	"OSUpdateStatus", "ProfileList", "ProvisioningProfileList",
	"Restrictions", "SecurityInfo", "UserList" };

bool
queue_only_asks(const char *request_type)
{
	size_t i;

	for (i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (strcmp(asking[i], request_type) == 0)
			return true;
	return false;
}

static uint64_t
digest(uint8_t type, struct bytes s, uint64_t more)
{
	uint8_t md[SHA256_DIGEST_LENGTH];
	uint64_t ret;
	struct buf b = { 0 };

	buf_put(&b, &type, 1);
	buf_put(&b, &more, sizeof(more));
	buf_bytes(&b, s);
	SHA256(b.p, b.len, md);
	buf_wipe(&b);
	memcpy(&ret, md, sizeof(ret));
	return ret;
}

static uint64_t hash_of(const struct pl *node);

static bool
add_pair(void *arg, const char *key, struct pl *value)
{
	uint64_t *sum = arg;

	*sum += digest('k', bytes_text(key), hash_of(value)); /* in any order */
	return true;
}

static uint64_t
hash_of(const struct pl *node)
{
	uint8_t type = (uint8_t)pl_type(node);
	uint64_t sum = 0;
	struct buf b = { 0 };
	size_t i;

	switch (pl_type(node)) {
	case PL_DICT:
		pl_dict_each(node, add_pair, &sum);
		return digest(type, BYTES_NONE, sum);
	case PL_ARRAY:
		for (i = 0; i < pl_array_len(node); i++)
			sum = digest(type, BYTES_NONE,
			    sum ^ hash_of(pl_array_at(node, i)));
		return digest(type, BYTES_NONE, sum + pl_array_len(node));
	case PL_STRING:
		return digest(type, bytes_text(pl_string(node)), 0);
	case PL_DATA:
		return digest(type, pl_data(node), 0);
	case PL_NONE:
	case PL_INTEGER:
	case PL_REAL:
	case PL_BOOL:
	case PL_DATE:
		break;
	}
	pl_write_xml(node, &b);
	sum = digest(type, buf_view(&b), 0);
	buf_wipe(&b);
	return sum;
}

uint64_t
queue_hash(const struct pl *command)
{
	uint64_t h = hash_of(command);

	return h != 0 ? h : 1;
}
