#include "engine/model/model.h"

int64_t
engine_now_ns(const struct engine *e)
{
	return e->clock();
}

int64_t
engine_now(const struct engine *e)
{
	return e->clock() / 1000000000;
}
