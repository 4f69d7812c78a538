#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/index/index_int.h"
#include "store/store_settings.h"

struct index_options
index_options_of(const struct store_options *opts)
{
	const struct store_settings *set = store_settings_get(opts);

	return (struct index_options){
		.lock_method = set->lock_method == STORE_LOCK_FLOCK ?
		    INDEX_LOCK_FLOCK :
		    set->lock_method == STORE_LOCK_DOTLOCK ?
		    INDEX_LOCK_DOTLOCK : INDEX_LOCK_FCNTL,
		.lock_timeout = store_settings_lock_timeout(opts),
		.no_fsync = set->fsync == STORE_FSYNC_NEVER,
		.readonly = opts->readonly, .hostname = opts->hostname,
	};
}

struct index *
index_open(struct path_root *root, int dirfd, const char *base,
    const struct index_options *opts)
{
	struct index *index = mem_alloc(sizeof(*index));

	*index = (struct index){ .root = root, .dirfd = dirfd,
	    .opts = *opts, .fd = -1 };
	index->base = mem_strdup(base);
	index->log_name = mem_printf("%s.log", base);
	index->log2_name = mem_printf("%s.log.2", base);
	index->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	index->opts.hostname = index->hostname;
	data_init(&index->data);
	return index;
}

void
index_close(struct index **indexp)
{
	struct index *index = *indexp;

	if (index == NULL)
		return;
	*indexp = NULL;
	index_unlock(index);
	index_log_close(index);
	data_deinit(&index->data);
	free(index->base);
	free(index->log_name);
	free(index->log2_name);
	free(index->hostname);
	free(index);
}

int
index_refresh(struct index *index, struct err *err)
{
	const struct index_state *state = &index->data.st;
	struct path_stat st, snap;

	if (index->locked)
		return 0;
	if (!index->known)
		return index_reload(index, err);
	if (index->dirfd == -1)
		return 0;
	if (path_stat(index->root, index->dirfd, NULL, index->log_name, &st,
	    err) == -1) {
		index_forget(index);
		return -1;
	}
	if (!st.exists && !state->exists) {
		if (path_stat(index->root, index->dirfd, NULL, index->base,
		    &snap, err) == -1) {
			index_forget(index);
			return -1;
		}
		if (!snap.exists)
			return 0;
	}
	if (index->fd == -1 || !st.exists || st.ino != index->log_st.ino ||
	    st.dev != index->log_st.dev || st.size < state->log_offset)
		return index_reload(index, err);
	if (st.size == state->log_offset)
		return 0;
	return index_follow(index, err);
}

const struct index_state *
index_state(const struct index *index)
{
	return &index->data.st;
}

struct index_mail
index_mail(const struct index *index, size_t pos)
{
	const struct slot *slot = &index->data.slots[pos];

	return (struct index_mail){ .uid = slot->uid, .flags = slot->flags };
}

uint64_t
index_modseq(const struct index *index, size_t pos)
{
	const struct data *data = &index->data;
	uint64_t modseq;

	if (data->modseq_ext == SIZE_MAX)
		return 0;
	modseq = get64(data_record(data, data->modseq_ext, pos));
	return modseq > 0 ? modseq : data->st.highestmodseq;
}

size_t
index_seek(const struct index *index, uint32_t uid)
{
	return data_seek(&index->data, uid);
}

bool
index_find(const struct index *index, uint32_t uid, size_t *pos_r)
{
	size_t pos = data_seek(&index->data, uid);

	if (pos == index->data.count || index->data.slots[pos].uid != uid)
		return false;
	*pos_r = pos;
	return true;
}

const char *
index_keyword(const struct index *index, size_t n)
{
	return index->data.keywords.v[n];
}

size_t
index_keyword_find(const struct index *index, const char *name)
{
	return data_keyword_find(&index->data, name, strlen(name));
}

bool
index_has_keyword(const struct index *index, size_t pos, size_t n)
{
	const struct data *data = &index->data;
	const uint8_t *bits = data_record(data, data->keyword_ext, pos);

	return (bits[n / 8] & 1U << n % 8) != 0;
}

struct index_ext
index_ext(const struct index *index, size_t n)
{
	const struct ext *ext = &index->data.exts.v[n];

	return (struct index_ext){
		.name = ext->name, .header = ext->header,
		.header_size = ext->header_size, .reset_id = ext->reset_id,
		.record_size = ext->record_size,
		.record_align = ext->record_align,
	};
}

bool
index_ext_find(const struct index *index, const char *name, size_t *n_r)
{
	size_t n = data_ext_find(&index->data, name, strlen(name));

	if (n == SIZE_MAX)
		return false;
	*n_r = n;
	return true;
}

const uint8_t *
index_ext_record(const struct index *index, size_t n, size_t pos)
{
	return data_record(&index->data, n, pos);
}

const struct index_pending *
index_pending(const struct index *index, size_t n)
{
	return &index->data.pending.v[n];
}

bool
index_is_pending(const struct index *index, uint32_t uid,
    enum index_request kind)
{
	size_t pos;

	return index_find(index, uid, &pos) &&
	    (index->data.slots[pos].pending & 1U << kind) != 0;
}
