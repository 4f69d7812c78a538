/*
 * resync.h - a mail client that keeps a copy and asks only for what changed
 *
 * It keeps of each mailbox UIDVALIDITY, HIGHESTMODSEQ and the flags of each
 * UID, and comes back by QRESYNC (RFC 7162 3.2), perhaps to another server.
 */
#ifndef SUPPORT_RESYNC_H
#define SUPPORT_RESYNC_H

#include "tests/support/imap.h"

/* Write to stdout what a client keeps of these mailboxes. */
void resync_save(struct imap *imap, const char *const *names, size_t n);

/*
 * Read from stdin what a client kept, ask the server by QRESYNC for what has
 * changed in each mailbox that has the same UIDVALIDITY still, and compare
 * what the client knows then with what the mailbox holds.  Each difference is
 * a line on stdout; returns their number.
 */
unsigned int resync_check(struct imap *imap);

#endif
