/*
 * A ring of jobs: those in [done, put) wait or are being done, and those in
 * [taken back, done) have memory that the caller frees, so that one thread
 * alone uses it.  The helper sleeps until a good number of jobs waits, since
 * to wake it costs as much as a job; who waits for it hurries it.
 */
#include "config.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/files/body_queue.h"

#define WAKE_JOBS	32U
#define WAKE_BYTES	((size_t)128 * 1024)
#define STACK_SIZE	((size_t)512 * 1024)
/* So much is brought to the disk early, while more comes. */
#define EARLY_BODIES	512U
#define EARLY_BYTES	((uint64_t)16 * 1024 * 1024)

struct body {
	struct body_queue *queue;
	struct body_file file;
	uint64_t jobs_end;		/* it is written when so many jobs of
					   the queue are done */
	/* The helper's until then. */
	int fd;
	struct err *failure;		/* NULL: none */
};

enum job_kind {
	JOB_WRITE,	/* data */
	JOB_END,	/* mtime */
	JOB_NAME,	/* data, with its NUL */
};

struct job {
	enum job_kind kind;
	struct body *body;
	void *data;
	size_t len;
	int64_t mtime;
};

struct body_queue {
	struct path_root *caller;	/* whose counts are added to */
	/* The helper's own. */
	struct path_root root;
	struct store store;		/* of that: counts */
	unsigned int early_bodies;	/* written since the last syncfs */
	uint64_t early_bytes;
	struct err early_failure;	/* told when somebody waits for all */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, progress;
	/* Under the lock.  Jobs are numbered from 0. */
	struct job jobs[BODY_QUEUE_JOBS];
	uint64_t put, done;
	uint64_t wait_for;		/* jobs done that somebody waits for */
	bool sleeping, stop;
	/* The caller's. */
	uint64_t taken_back;
	size_t bytes;			/* of jobs not taken back */
};

bool
body_queue_useful(const struct path_root *root)
{
	cpu_set_t set;

	return root->store->step == NULL &&
	    sched_getaffinity(0, sizeof(set), &set) == 0 &&
	    CPU_COUNT(&set) > 1;
}

/* Make the file, with what was asked for as good as that goes. */
static int
make_file(struct body_queue *q, struct body *body, struct err *err)
{
	const struct body_file *file = &body->file;
	struct err ignored = ERR_INIT;

	body->fd = path_create_unnamed(&q->root, file->dirfd, file->mode,
	    err);
	if (body->fd == -1)
		return -1;
	if (file->set_gid)
		(void)path_set_group(&q->root, body->fd, file->gid, &ignored);
	if (file->set_mode)
		(void)path_set_mode(&q->root, body->fd, file->mode, &ignored);
	return 0;
}

static int
do_body(struct body_queue *q, const struct job *job, struct err *err)
{
	struct body *body = job->body;
	int r;

	if (body->fd == -1 && make_file(q, body, err) == -1)
		return -1;
	switch (job->kind) {
	case JOB_WRITE:
		return path_write(&q->root, body->fd, job->data, job->len,
		    err);
	case JOB_END:
		return path_set_mtime(&q->root, body->fd, job->mtime, err);
	case JOB_NAME:
		r = path_name_file(&q->root, body->fd, body->file.dirfd,
		    job->data, err);
		close(body->fd);
		body->fd = -1;
		return r;
	}
	return -1;
}

static void
do_job(struct body_queue *q, const struct job *job)
{
	struct body *body = job->body;
	struct err err = ERR_INIT;

	if (body->failure != NULL || do_body(q, job, &err) == 0)
		return;
	body->failure = mem_alloc(sizeof(*body->failure));
	*body->failure = err;
}

/*
 * Bring to the disk what is written, so that the batch has less to wait for.
 * The kernel tells an error of the disk once: it must not be lost here.
 */
static void
sync_early(struct body_queue *q, const struct job *job)
{
	if (job->kind == JOB_NAME)
		return;
	q->early_bytes += job->len;
	if (job->kind == JOB_END)
		q->early_bodies++;
	if (q->early_bodies < EARLY_BODIES && q->early_bytes < EARLY_BYTES)
		return;
	q->early_bodies = 0;
	q->early_bytes = 0;
	if (q->early_failure.code == ERR_NONE)
		(void)path_syncfs(&q->root, &q->early_failure);
}

static bool
worth_waking(const struct body_queue *q)
{
	return q->stop || (q->put > q->done && (q->wait_for > q->done ||
	    q->put - q->done >= WAKE_JOBS || q->bytes >= WAKE_BYTES));
}

static void
wake_helper(struct body_queue *q)
{
	if (!q->sleeping || !worth_waking(q))
		return;
	q->sleeping = false;
	pthread_cond_signal(&q->work);
}

static void
await_work(struct body_queue *q)
{
	while (!worth_waking(q)) {
		q->sleeping = true;
		pthread_cond_wait(&q->work, &q->lock);
	}
	q->sleeping = false;
}

static void *
helper_main(void *arg)
{
	struct body_queue *q = arg;
	const struct job *job;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		if (q->done == q->put)
			await_work(q);
		if (q->done == q->put)
			break;
		job = &q->jobs[q->done % BODY_QUEUE_JOBS];
		pthread_mutex_unlock(&q->lock);
		do_job(q, job);
		sync_early(q, job);
		pthread_mutex_lock(&q->lock);
		q->done++;
		if (q->wait_for != 0 && q->done >= q->wait_for) {
			q->wait_for = 0;
			pthread_cond_signal(&q->progress);
		}
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* Signals are for the thread that asks for them. */
static int
start_helper(struct body_queue *q)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&q->thread, &attr, helper_main, q);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return r == 0 ? 0 : -1;
}

struct body_queue *
body_queue_new(struct path_root *root)
{
	struct body_queue *q = mem_alloc(sizeof(*q));

	q->caller = root;
	q->root = *root;
	q->root.store = &q->store;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	pthread_cond_init(&q->progress, NULL);
	if (start_helper(q) == 0)
		return q;
	pthread_cond_destroy(&q->progress);
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return NULL;
}

/* Free what is done; needs no lock for jobs below done. */
static void
take_back(struct body_queue *q, uint64_t done)
{
	struct job *job;

	for (; q->taken_back < done; q->taken_back++) {
		job = &q->jobs[q->taken_back % BODY_QUEUE_JOBS];
		q->bytes -= job->len;
		free(job->data);
		*job = (struct job){ .body = NULL };
	}
}

/* Wait, under the lock, until so many jobs are done. */
static void
wait_done(struct body_queue *q, uint64_t jobs)
{
	while (q->done < jobs) {
		q->wait_for = jobs;
		wake_helper(q);
		pthread_cond_wait(&q->progress, &q->lock);
	}
	take_back(q, q->done);
}

static void
put(struct body *body, enum job_kind kind, void *data, size_t len,
    int64_t mtime)
{
	struct body_queue *q = body->queue;

	pthread_mutex_lock(&q->lock);
	take_back(q, q->done);
	/* Half of it, so that both go on for a while afterwards. */
	while (q->put - q->taken_back == BODY_QUEUE_JOBS ||
	    (q->bytes > 0 && q->bytes + len > BODY_QUEUE_BYTES))
		wait_done(q, q->done + (q->put - q->done + 1) / 2);
	q->jobs[q->put % BODY_QUEUE_JOBS] = (struct job){
		.kind = kind, .body = body, .data = data, .len = len,
		.mtime = mtime,
	};
	body->jobs_end = ++q->put;
	q->bytes += len;
	wake_helper(q);
	pthread_mutex_unlock(&q->lock);
}

struct body *
body_begin(struct body_queue *queue, const struct body_file *file)
{
	struct body *body = mem_alloc(sizeof(*body));

	body->queue = queue;
	body->file = *file;
	body->fd = -1;
	return body;
}

void
body_write(struct body *body, const void *data, size_t len)
{
	if (len > 0)
		put(body, JOB_WRITE, mem_dup(data, len), len, 0);
}

void
body_commit(struct body *body, int64_t mtime)
{
	put(body, JOB_END, NULL, 0, mtime);
}

/* The helper has nothing to do. */
static void
tell_counts(struct body_queue *q)
{
	struct store_counts *to = &q->caller->store->counts;
	struct store_counts *from = &q->store.counts;

	to->creates += from->creates;
	to->writes += from->writes;
	to->bytes += from->bytes;
	to->links += from->links;
	to->syncfss += from->syncfss;
	*from = (struct store_counts){ .creates = 0 };
}

int
body_queue_wait(struct body_queue *q, struct err *err)
{
	struct err failure;

	pthread_mutex_lock(&q->lock);
	wait_done(q, q->put);
	tell_counts(q);
	q->early_bodies = 0;
	q->early_bytes = 0;
	failure = q->early_failure;
	q->early_failure = (struct err)ERR_INIT;
	pthread_mutex_unlock(&q->lock);
	if (failure.code == ERR_NONE)
		return 0;
	*err = failure;
	return -1;
}

int
body_finish(struct body **bodyp, struct err *err)
{
	struct body *body = *bodyp;
	int fd;

	pthread_mutex_lock(&body->queue->lock);
	wait_done(body->queue, body->jobs_end);
	pthread_mutex_unlock(&body->queue->lock);
	if (body->failure != NULL) {
		*err = *body->failure;
		if (body->fd != -1)
			close(body->fd);
		body->fd = -1;
	}
	fd = body->fd;
	free(body->failure);
	free(body);
	*bodyp = NULL;
	return fd;
}

struct body *
body_name(struct body_queue *queue, int fd, int dirfd, const char *name)
{
	struct body *body = mem_alloc(sizeof(*body));
	size_t len = strlen(name) + 1;

	body->queue = queue;
	body->file.dirfd = dirfd;
	body->fd = fd;
	put(body, JOB_NAME, mem_dup(name, len), len, 0);
	return body;
}

int
body_named(struct body **bodyp, struct err *err)
{
	struct body *body = *bodyp;
	int ret;

	pthread_mutex_lock(&body->queue->lock);
	wait_done(body->queue, body->queue->put);
	pthread_mutex_unlock(&body->queue->lock);
	ret = body->failure == NULL ? 0 : -1;
	(void)body_finish(bodyp, err);
	return ret;
}

void
body_abort(struct body **bodyp)
{
	struct err ignored = ERR_INIT;
	int fd;

	if (*bodyp == NULL)
		return;
	fd = body_finish(bodyp, &ignored);
	if (fd != -1)
		close(fd);
}

void
body_queue_free(struct body_queue **queuep)
{
	struct body_queue *q = *queuep;

	if (q == NULL)
		return;
	*queuep = NULL;
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_signal(&q->work);
	pthread_mutex_unlock(&q->lock);
	(void)pthread_join(q->thread, NULL);
	take_back(q, q->put);
	tell_counts(q);
	pthread_cond_destroy(&q->progress);
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
