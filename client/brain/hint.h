/*
 * hint.h - how to undo what a run decided
 */
#ifndef BRAIN_HINT_H
#define BRAIN_HINT_H

/* Words for the person who reads of a decision by this rule, or NULL. */
const char *hint_undo(const char *rule);

#endif
