/*
 * body_queue.h - new files written and named by a helper thread
 *
 * To make a file and to fill it is the kernel's work for the most part, and
 * where there are many, another processor does it while the caller receives
 * and checks the next ones.  Files are made without a name, in the order of
 * body_begin, and what fails is told when a file is asked for.  The queue is
 * bounded: a caller that is faster waits.
 *
 * All functions are for one thread, that of the store.
 */
#ifndef STORE_FILES_BODY_QUEUE_H
#define STORE_FILES_BODY_QUEUE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/files/path.h"

#define BODY_QUEUE_JOBS		1024U	/* that wait, at most */
#define BODY_QUEUE_BYTES	((size_t)768 * 1024)	/* of these */

struct body_queue;
struct body;

/* What a new file is to be like. */
struct body_file {
	int dirfd;		/* a directory of its file system; stays open
				   until body_finish or body_abort */
	mode_t mode;
	gid_t gid;
	bool set_gid, set_mode;	/* as good as that goes */
};

/*
 * Is there another processor, and nobody who counts the steps of the store?
 * Without both it is no use.
 */
bool body_queue_useful(const struct path_root *root);

/* NULL if no thread can be had.  root outlives the queue. */
struct body_queue *body_queue_new(struct path_root *root);
/*
 * Wait until all is written; the store's counts have it then.  It is not
 * durable yet, but some of it is on its way.  -1: the disk failed with what
 * was, nobody knows of which.
 */
int body_queue_wait(struct body_queue *queue, struct err *err);
/* All of its bodies are finished or aborted. */
void body_queue_free(struct body_queue **queue);

struct body *body_begin(struct body_queue *queue,
    const struct body_file *file);
/* The bytes are copied. */
void body_write(struct body *body, const void *data, size_t len);
/* Nothing more comes; mtime in seconds. */
void body_commit(struct body *body, int64_t mtime);
/*
 * Wait until it is written.  Returns its descriptor, which is the caller's, or
 * -1 with err of the first thing that failed; *body is gone and NULL.
 */
int body_finish(struct body **body, struct err *err);
/*
 * Give the open file fd, which is taken over and closed then, a name in the
 * directory; never replaces.
 */
struct body *body_name(struct body_queue *queue, int fd, int dirfd,
    const char *name);
/* Wait for that, and for all else that was given to do. */
int body_named(struct body **body, struct err *err);
/* Throw it away, whole or not; NULL is none. */
void body_abort(struct body **body);

#endif
