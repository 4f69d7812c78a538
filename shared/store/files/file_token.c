#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "store/files/file_token.h"

/* File times are as coarse as this, in nanoseconds. */
#define COARSE_LOCAL	20000000LL
#define COARSE_REMOTE	2000000000LL

bool
file_time_settled(const struct path_root *root, int64_t newest_ns)
{
	int64_t now = (int64_t)clock_now_ms() * 1000000;

	return newest_ns < now - (root->local ? COARSE_LOCAL : COARSE_REMOTE);
}

void
file_token(struct store_token *token_r, const struct path_root *root,
    const struct path_stat *stats, size_t n)
{
	int64_t newest = INT64_MIN;
	uint64_t words[4];

	assert(n <= FILE_TOKEN_MAX);
	*token_r = (struct store_token){ .len = 0 };
	for (size_t i = 0; i < n; i++) {
		words[0] = stats[i].ino;
		words[1] = stats[i].size;
		words[2] = (uint64_t)stats[i].mtime_ns;
		words[3] = (uint64_t)stats[i].ctime_ns;
		memcpy(token_r->data + token_r->len, words, sizeof(words));
		token_r->len += sizeof(words);
		if (!stats[i].exists)
			continue;
		/* ctime alone tells of changes; mtime can be set to any. */
		if (stats[i].ctime_ns > newest)
			newest = stats[i].ctime_ns;
	}
	token_r->settled = file_time_settled(root, newest);
}
