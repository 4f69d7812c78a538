/*
 * utf8.h - one character of UTF-8
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The character at the start of text, 1..len bytes, len > 0.  Returns how many
 * bytes it takes and sets *c_r; 0 if it is no valid character (RFC 3629): cut,
 * overlong, a surrogate or above U+10FFFF.
 */
size_t utf8_next(const uint8_t *text, size_t len, uint32_t *c_r);

#endif
