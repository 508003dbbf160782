#include "fs/fs.h"

#include <time.h>
#include <unistd.h>

/* Each reservation costs a commit; what is left at a restart is lost. */
#define RESERVE 256

enum err_code
fs_init(struct fs *f, struct engine *e, struct err *err)
{
	*f = (struct fs){ .engine = e, .started = time(NULL), .state_fd = -1 };
	pthread_mutex_init(&f->mutex, NULL);
	sizes_init(&f->sizes);
	owners_init(&f->owners);
	seen_init(&f->seen);
	f->scratch = scratch_new();
	f->drafts = drafts_new(e);
	f->refusals = refusals_new(e);
	if (f->scratch != NULL && f->drafts != NULL && f->refusals != NULL)
		return ERR_OK;
	fs_fini(f);
	return err_set(err, ERR_NO_MEMORY, "mount");
}

void
fs_fini(struct fs *f)
{
	scratch_free(f->scratch);
	drafts_free(f->drafts);
	refusals_free(f->refusals);
	if (f->state_fd >= 0)
		close(f->state_fd);
	seen_fini(&f->seen);
	owners_fini(&f->owners);
	sizes_fini(&f->sizes);
	pthread_mutex_destroy(&f->mutex);
}

enum err_code
fs_new_ino(struct fs *f, uint64_t *ret, struct err *err)
{
	enum err_code rc = ERR_OK;
	uint64_t first;

	pthread_mutex_lock(&f->mutex);
	if (f->next_ino == f->end_ino) {
		rc = file_reserve(f->engine, RESERVE, &first, err);
		if (rc == ERR_OK) {
			f->next_ino = first;
			f->end_ino = first + RESERVE;
		}
	}
	if (rc == ERR_OK)
		*ret = f->next_ino++;
	pthread_mutex_unlock(&f->mutex);
	return rc;
}
