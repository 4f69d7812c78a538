/*
 * tempdir.h - a folder of its own for a test
 */
#ifndef SUPPORT_TEMPDIR_H
#define SUPPORT_TEMPDIR_H

/* Make a folder; the result is valid until tempdir_remove. */
const char *tempdir_make(void);

/* "folder/name" in one of a few static buffers. */
const char *tempdir_path(const char *name);

/* Write a file in it with mode 0600, from a string. */
void tempdir_write(const char *name, const char *text);

/* Read a file in it; the result is valid until the next call. */
const char *tempdir_read(const char *name);

/* Remove it and what is in it. */
void tempdir_remove(void);

#endif
