/*
 * certs.h - keys, certificates and revocation lists for tests
 *
 * All are files in the folder of tempdir.h: NAME.key, NAME.cert.
 */
#ifndef SUPPORT_CERTS_H
#define SUPPORT_CERTS_H

#include <stdbool.h>

struct cert_spec {
	const char *name;	/* of the files */
	const char *issuer;	/* name of the CA; NULL: signed by itself */
	const char *cn;
	const char *san;	/* "DNS:localhost,IP:127.0.0.1", or NULL */
	const char *eku;	/* "serverAuth", or NULL */
	bool ca;
	long from, until;	/* seconds from now; both 0: a day each way */
	unsigned int rsa_bits;	/* 0: Ed25519 */
};

void certs_make(const struct cert_spec *spec);

/* Write NAME.crl of the CA, with one certificate or none (NULL) in it. */
void certs_revoke(const char *ca, const char *revoked, const char *name,
    long until);

#endif
