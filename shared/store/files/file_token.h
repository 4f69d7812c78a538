/*
 * file_token.h - change tokens made of what stat says of files
 */
#ifndef STORE_FILES_FILE_TOKEN_H
#define STORE_FILES_FILE_TOKEN_H

#include "store/files/path.h"

/* Could a file time as young as this hide a later change?  False: it could. */
bool file_time_settled(const struct path_root *root, int64_t newest_ns);

/*
 * Inode, size and times of each file; settled if none of them is too young.
 * At most FILE_TOKEN_MAX files.
 */
#define FILE_TOKEN_MAX	(STORE_TOKEN_MAX / 32U)
void file_token(struct store_token *token_r, const struct path_root *root,
    const struct path_stat *stats, size_t n);

#endif
