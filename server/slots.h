/*
 * slots.h - who is connected, and who was refused lately
 *
 * A table in memory that listen and its monitors share.  listen takes a slot
 * for each connection and frees it when the monitor has ended; the monitor
 * writes into its slot who the peer is.  net and store have no access to it.
 */
#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/pin.h"
#include "server/settings.h"

struct sockaddr;

/* An IPv4 address, or the first 64 bits of an IPv6 address: one customer. */
struct slot_addr {
	uint8_t bytes[8];
};

/* IPv4 mapped into IPv6 is IPv4. */
void slot_addr_of(struct slot_addr *addr_r, const struct sockaddr *sa);

struct slots;

int slots_new(const struct server_settings *set, struct slots **slots_r,
    struct err *err);
void slots_free(struct slots **slots);

/*
 * Take a slot for a new connection.  Returns its number, or -1 with *reason_r
 * set to a word if a limit forbids the connection.
 */
int slots_take(struct slots *slots, const struct slot_addr *addr,
    uint64_t now_ms, const char **reason_r);

/* The process that serves a slot. */
void slots_set_pid(struct slots *slots, int slot, pid_t pid);

/*
 * The process has ended; its slot is free again.  refused: it refused its
 * peer, which counts against the address.  False: no slot is of this process.
 */
bool slots_release(struct slots *slots, pid_t pid, bool refused,
    uint64_t now_ms);

/* By a monitor: the peer of our slot is known.  False: it has too many. */
bool slots_known(struct slots *slots, int slot, const struct pin *pin);

/* Call fn for the process of each slot in use. */
void slots_each(struct slots *slots, void (*fn)(pid_t pid, void *arg),
    void *arg);

/* How many are in use. */
unsigned int slots_used(const struct slots *slots);

#endif
