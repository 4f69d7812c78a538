#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "server/slots.h"

#define MINUTE_MS	60000U
#define OFFENDERS_MAX	4096U	/* addresses that are remembered */

enum slot_state {
	SLOT_FREE,
	SLOT_UNKNOWN,		/* the peer is not known yet */
	SLOT_KNOWN,
};

/*
 * state and pin are written by the monitor of the slot and read by the others:
 * state last, so that a known slot has its whole pin.
 */
struct slot {
	_Atomic int state;
	struct pin pin;
	struct slot_addr addr;
	pid_t pid;
};

/* Refusals of one address within the minute that began at since_ms. */
struct offender {
	struct slot_addr addr;
	uint64_t since_ms;
	unsigned int refusals;	/* 0: the entry is free */
};

struct slots {
	const struct server_settings *set;
	struct slot *v;		/* shared */
	size_t n, bytes;
	struct offender offenders[OFFENDERS_MAX];
};

void
slot_addr_of(struct slot_addr *addr_r, const struct sockaddr *sa)
{
	const struct sockaddr_in *sin;
	const struct sockaddr_in6 *sin6;

	memset(addr_r, 0, sizeof(*addr_r));
	if (sa->sa_family == AF_INET) {
		sin = (const struct sockaddr_in *)(const void *)sa;
		memcpy(addr_r->bytes + 4, &sin->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		sin6 = (const struct sockaddr_in6 *)(const void *)sa;
		if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
			memcpy(addr_r->bytes + 4,
			    sin6->sin6_addr.s6_addr + 12, 4);
		else
			memcpy(addr_r->bytes, sin6->sin6_addr.s6_addr, 8);
	}
}

static bool
addr_equal(const struct slot_addr *a, const struct slot_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

int
slots_new(const struct server_settings *set, struct slots **slots_r,
    struct err *err)
{
	struct slots *slots = mem_alloc(sizeof(*slots));

	slots->set = set;
	slots->n = set->max_connections;
	slots->bytes = slots->n * sizeof(*slots->v);
	slots->v = mmap(NULL, slots->bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots->v == MAP_FAILED) {
		free(slots);
		return err_sys(err, "memory for %u connections",
		    set->max_connections);
	}
	*slots_r = slots;
	return 0;
}

void
slots_free(struct slots **slots)
{
	if (*slots == NULL)
		return;
	(void)munmap((*slots)->v, (*slots)->bytes);
	free(*slots);
	*slots = NULL;
}

static struct offender *
find_offender(struct slots *slots, const struct slot_addr *addr,
    uint64_t now_ms)
{
	struct offender *o;

	for (size_t i = 0; i < OFFENDERS_MAX; i++) {
		o = &slots->offenders[i];
		if (o->refusals == 0 || !addr_equal(&o->addr, addr))
			continue;
		if (now_ms - o->since_ms < MINUTE_MS)
			return o;
		o->refusals = 0;
		return NULL;
	}
	return NULL;
}

static void
count_refusal(struct slots *slots, const struct slot_addr *addr,
    uint64_t now_ms)
{
	struct offender *o = find_offender(slots, addr, now_ms);
	struct offender *oldest = &slots->offenders[0];

	if (o == NULL) {
		for (size_t i = 0; i < OFFENDERS_MAX &&
		    oldest->refusals != 0; i++) {
			o = &slots->offenders[i];
			if (o->refusals == 0 || o->since_ms < oldest->since_ms)
				oldest = o;
		}
		o = oldest;
		*o = (struct offender){ .addr = *addr, .since_ms = now_ms };
	}
	o->refusals++;
	/* Who goes on while waiting, waits from the last refusal. */
	if (o->refusals > slots->set->refusals_per_minute)
		o->since_ms = now_ms;
}

int
slots_take(struct slots *slots, const struct slot_addr *addr,
    uint64_t now_ms, const char **reason_r)
{
	const struct server_settings *set = slots->set;
	unsigned int unknown = 0, same = 0, same_unknown = 0;
	const struct offender *offender;
	struct slot *slot;
	int found = -1, state;

	for (size_t i = 0; i < slots->n; i++) {
		slot = &slots->v[i];
		state = slot->state;
		if (state == SLOT_FREE) {
			found = (int)i;
			continue;
		}
		unknown += state == SLOT_UNKNOWN;
		if (!addr_equal(&slot->addr, addr))
			continue;
		same++;
		same_unknown += state == SLOT_UNKNOWN;
	}
	offender = find_offender(slots, addr, now_ms);
	*reason_r = NULL;
	if (found == -1)
		*reason_r = "max_connections";
	else if (offender != NULL &&
	    offender->refusals >= set->refusals_per_minute)
		*reason_r = "refusals_per_minute";
	else if (same >= set->max_connections_per_address)
		*reason_r = "max_connections_per_address";
	else if (same_unknown >= set->max_unknown_per_address)
		*reason_r = "max_unknown_per_address";
	else if (unknown >= set->max_unknown)
		*reason_r = "max_unknown";
	if (*reason_r != NULL)
		return -1;
	slot = &slots->v[found];
	slot->addr = *addr;
	slot->pid = 0;
	slot->state = SLOT_UNKNOWN;
	return found;
}

void
slots_set_pid(struct slots *slots, int slot, pid_t pid)
{
	if (pid == -1)
		slots->v[slot].state = SLOT_FREE;
	else
		slots->v[slot].pid = pid;
}

bool
slots_release(struct slots *slots, pid_t pid, bool refused, uint64_t now_ms)
{
	struct slot *slot;

	for (size_t i = 0; i < slots->n; i++) {
		slot = &slots->v[i];
		if (slot->state == SLOT_FREE || slot->pid != pid)
			continue;
		if (refused)
			count_refusal(slots, &slot->addr, now_ms);
		slot->pid = 0;
		slot->state = SLOT_FREE;
		return true;
	}
	return false;
}

/*
 * Our own slot is written first and then all are counted.  Of two monitors at
 * the limit both may find one too many, but never one too few.
 */
bool
slots_known(struct slots *slots, int slot, const struct pin *pin)
{
	unsigned int same = 0;

	slots->v[slot].pin = *pin;
	slots->v[slot].state = SLOT_KNOWN;
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->v[i].state == SLOT_KNOWN &&
		    pin_equal(&slots->v[i].pin, pin))
			same++;
	}
	return same <= slots->set->max_sessions_per_peer;
}

void
slots_each(struct slots *slots, void (*fn)(pid_t pid, void *arg), void *arg)
{
	for (size_t i = 0; i < slots->n; i++) {
		if (slots->v[i].state != SLOT_FREE && slots->v[i].pid > 0)
			fn(slots->v[i].pid, arg);
	}
}

unsigned int
slots_used(const struct slots *slots)
{
	unsigned int used = 0;

	for (size_t i = 0; i < slots->n; i++)
		used += slots->v[i].state != SLOT_FREE;
	return used;
}
