#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/support/certs.h"
#include "tests/support/tempdir.h"

#define DAY	86400L
#define MUST(x)	do { if (!(x)) must_fail(#x); } while (0)

static void
must_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static FILE *
file_open(const char *name, const char *suffix, const char *mode)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s.%s", name, suffix);
	file = fopen(tempdir_path(path), mode);
	MUST(file != NULL);
	MUST(fchmod(fileno(file), 0600) == 0);
	return file;
}

static EVP_PKEY *
key_read(const char *name)
{
	FILE *file = file_open(name, "key", "r");
	EVP_PKEY *pkey = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	MUST(pkey != NULL);
	fclose(file);
	return pkey;
}

static X509 *
cert_read(const char *name)
{
	FILE *file = file_open(name, "cert", "r");
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);

	MUST(cert != NULL);
	fclose(file);
	return cert;
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	MUST(ext != NULL);
	MUST(X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static const EVP_MD *
md_for(EVP_PKEY *pkey)
{
	return EVP_PKEY_is_a(pkey, "ED25519") ? NULL : EVP_sha256();
}

void
certs_make(const struct cert_spec *spec)
{
	static long serial = 1;
	EVP_PKEY *pkey = spec->rsa_bits != 0 ? EVP_RSA_gen(spec->rsa_bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_PKEY *ca_key = spec->issuer != NULL ? key_read(spec->issuer) :
	    pkey;
	X509 *cert = X509_new();
	X509 *ca = spec->issuer != NULL ? cert_read(spec->issuer) : cert;
	bool dated = spec->from != 0 || spec->until != 0;
	FILE *file;

	MUST(pkey != NULL && cert != NULL);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), dated ? spec->from : -DAY);
	X509_gmtime_adj(X509_getm_notAfter(cert), dated ? spec->until : DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(ca));
	X509_set_pubkey(cert, pkey);
	if (spec->ca)
		extend(cert, NID_basic_constraints, "critical,CA:TRUE");
	if (spec->san != NULL)
		extend(cert, NID_subject_alt_name, spec->san);
	if (spec->eku != NULL)
		extend(cert, NID_ext_key_usage, spec->eku);
	MUST(X509_sign(cert, ca_key, md_for(ca_key)) > 0);
	file = file_open(spec->name, "key", "w");
	MUST(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(file);
	file = file_open(spec->name, "cert", "w");
	MUST(PEM_write_X509(file, cert) == 1);
	fclose(file);
	if (spec->issuer != NULL) {
		X509_free(ca);
		EVP_PKEY_free(ca_key);
	}
	X509_free(cert);
	EVP_PKEY_free(pkey);
}

void
certs_revoke(const char *ca_name, const char *revoked, const char *name,
    long until)
{
	EVP_PKEY *key = key_read(ca_name);
	X509 *ca = cert_read(ca_name), *cert;
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -2 * DAY);
	X509_REVOKED *entry;
	FILE *file;

	MUST(crl != NULL && when != NULL);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, when);
	X509_gmtime_adj(when, until);
	X509_CRL_set1_nextUpdate(crl, when);
	if (revoked != NULL) {
		cert = cert_read(revoked);
		entry = X509_REVOKED_new();
		MUST(entry != NULL);
		X509_REVOKED_set_serialNumber(entry,
		    X509_get_serialNumber(cert));
		X509_gmtime_adj(when, -DAY);
		X509_REVOKED_set_revocationDate(entry, when);
		MUST(X509_CRL_add0_revoked(crl, entry) == 1);
		X509_free(cert);
	}
	MUST(X509_CRL_sign(crl, key, md_for(key)) > 0);
	file = file_open(name, "crl", "w");
	MUST(PEM_write_X509_CRL(file, crl) == 1);
	fclose(file);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
	X509_free(ca);
	EVP_PKEY_free(key);
}
