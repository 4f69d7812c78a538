/*
 * pin.h - the SHA-256 of a public key, by which a peer is known
 *
 * The digest is taken over the DER form of the SubjectPublicKeyInfo, so a
 * renewed certificate of the same key keeps its pin.
 */
#ifndef NET_PIN_H
#define NET_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_SIZE	32U	/* bytes */
#define PIN_TEXT_SIZE	72U	/* "sha256:", 64 digits, NUL */

struct pin {
	uint8_t bytes[PIN_SIZE];
};

/* "sha256:" and 64 hexadecimal digits, nothing else; false if it is not. */
bool pin_parse(struct pin *pin_r, const char *text, size_t len);
void pin_format(char out[static PIN_TEXT_SIZE], const struct pin *pin);
bool pin_equal(const struct pin *a, const struct pin *b);

#endif
