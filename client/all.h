/*
 * all.h - a run for each user of the user database (-A), several at once (-j)
 */
#ifndef CLIENT_ALL_H
#define CLIENT_ALL_H

#define ALL_JOBS_MAX	256U
#define ALL_USERS_MAX	1000000U

struct settings;

/*
 * Each user has a process of its own, with that user's rights and nobody
 * else's; what it prints is put behind the user's name.  One user's failure
 * stops no other.  Returns the worst exit status (E3): that of the failures if
 * they are of one kind, else 1; else 2; else 0.
 */
int all_main(struct settings *set);

#endif
