/*
 * How a file is made that must appear whole and never replace another: it is
 * written under a name of its own, made durable, and linked to its final name;
 * link(2) fails if that exists.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/digest.h"
#include "base/io.h"
#include "net/keys.h"
#include "net/tls_internal.h"

#define KEY_FILE_MAX	(64U * 1024U)	/* bytes */
#define CERT_SUBJECT	"dsync"
#define CERT_NOT_BEFORE	"20000101000000Z"
#define CERT_NOT_AFTER	"99991231235959Z"	/* RFC 5280: no end */

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

void
tls_errors_clear(void)
{
	ERR_clear_error();
}

int
keys_config_dir(struct strbuf *path, struct err *err)
{
	const char *dir = getenv("DSYNC_CONFIG_DIR");
	const char *home = getenv("HOME");
	const struct passwd *pw;

	strbuf_reset(path);
	if (dir != NULL && dir[0] != '\0') {
		strbuf_adds(path, dir);
		return 0;
	}
	if (geteuid() == 0) {
		strbuf_adds(path, SYSCONFDIR "/dsync");
		return 0;
	}
	if (home == NULL || home[0] != '/') {
		pw = getpwuid(geteuid());
		home = pw != NULL ? pw->pw_dir : NULL;
	}
	if (home == NULL || home[0] != '/')
		return err_set(err, ERR_CONFIG, "no home folder: set HOME "
		    "or DSYNC_CONFIG_DIR");
	strbuf_addf(path, "%s/.config/dsync", home);
	return 0;
}

int
keys_make_dir(const char *dir, struct err *err)
{
	char *path = strdup(dir);
	int ret = -1;

	if (path == NULL)
		return err_sys(err, "%s", dir);
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST) {
			err_sys(err, "cannot make the folder %s", path);
			goto out;
		}
		*p = '/';
	}
	if (mkdir(path, 0700) == -1 && errno != EEXIST) {
		err_sys(err, "cannot make the folder %s", path);
		goto out;
	}
	ret = 0;
out:
	free(path);
	return ret;
}

/* Returns 0 also if somebody else was first. */
static int
file_create_once(int dirfd, const char *name, mode_t mode, const void *data,
    size_t len, struct err *err)
{
	char tmp[64];
	uint8_t id[8];
	char hex[sizeof(id) * 2 + 1];
	int fd, ret = -1;

	random_bytes(id, sizeof(id));
	hex_format(hex, id, sizeof(id));
	snprintf(tmp, sizeof(tmp), ".%s.%s", name, hex);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, mode);
	if (fd == -1)
		return err_sys(err, "cannot make %s", name);
	/* Not left to the umask. */
	if (fchmod(fd, mode) == -1) {
		err_sys(err, "cannot make %s", name);
		goto out;
	}
	if (io_write(fd, data, len, err) == -1)
		goto out;
	if (fsync(fd) == -1) {
		err_sys(err, "fsync of %s", name);
		goto out;
	}
	if (linkat(dirfd, tmp, dirfd, name, 0) == -1 && errno != EEXIST) {
		err_sys(err, "cannot make %s", name);
		goto out;
	}
	ret = 0;
out:
	(void)close(fd);
	(void)unlinkat(dirfd, tmp, 0);
	if (ret == 0 && fsync(dirfd) == -1)
		ret = err_sys(err, "fsync of the folder of %s", name);
	return ret;
}

/*
 * Keys of the kind that we make have one form each, in DER: these bytes and the
 * raw key (RFC 8410).  For others OpenSSL looks through all that its providers
 * can read and write, which takes longer than a handshake.
 */
#define ED25519_SIZE	32U
#define ED25519_PUBLIC	"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
#define ED25519_PRIVATE	"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70" \
			"\x04\x22\x04\x20"

static bool
pin_of_ed25519(EVP_PKEY *pkey, struct pin *pin_r)
{
	unsigned char der[sizeof(ED25519_PUBLIC) - 1 + ED25519_SIZE];
	size_t head = sizeof(ED25519_PUBLIC) - 1, len = ED25519_SIZE;

	if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(pkey, der + head, &len) != 1 ||
	    len != ED25519_SIZE)
		return false;
	memcpy(der, ED25519_PUBLIC, head);
	digest_sha256(der, sizeof(der), pin_r->bytes);
	return true;
}

int
tls_pin_of_pkey(EVP_PKEY *pkey, struct pin *pin_r, struct err *err)
{
	unsigned char *der = NULL;
	int len;

	if (pin_of_ed25519(pkey, pin_r))
		return 0;
	if ((len = i2d_PUBKEY(pkey, &der)) <= 0)
		return err_set(err, ERR_TEMP, "cannot encode a public key");
	digest_sha256(der, (size_t)len, pin_r->bytes);
	OPENSSL_free(der);
	return 0;
}

static int
key_file_check(int fd, const char *key_file, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "%s", key_file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a regular file",
		    key_file);
	if ((st.st_mode & 027) != 0)
		return err_set(err, ERR_CONFIG, "%s may be read or written by "
		    "others: run chmod 600 on it", key_file);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_CONFIG, "%s belongs to another user",
		    key_file);
	return 0;
}

/* The key of a file as key_create makes it, or NULL. */
static EVP_PKEY *
read_ed25519(BIO *bio)
{
	const size_t head = sizeof(ED25519_PRIVATE) - 1;
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	EVP_PKEY *pkey = NULL;
	long len = 0;

	if (PEM_read_bio(bio, &name, &header, &der, &len) == 1 &&
	    strcmp(name, PEM_STRING_PKCS8INF) == 0 && header[0] == '\0' &&
	    (size_t)len == head + ED25519_SIZE &&
	    memcmp(der, ED25519_PRIVATE, head) == 0)
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
		    der + head, ED25519_SIZE);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)len);
	return pkey;
}

int
tls_load_key(const char *key_file, EVP_PKEY **pkey_r, struct err *err)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio = NULL;
	int fd;

	fd = open(key_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return err_sys(err, "cannot open the key %s", key_file);
	if (key_file_check(fd, key_file, err) == -1)
		goto out;
	if ((bio = BIO_new_fd(fd, BIO_NOCLOSE)) != NULL &&
	    (pkey = read_ed25519(bio)) == NULL && BIO_seek(bio, 0) == 0)
		/* An empty passphrase: never ask on the terminal. */
		pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	if (pkey == NULL)
		err_set(err, ERR_CONFIG, "%s holds no key that can be read",
		    key_file);
out:
	tls_errors_clear();
	BIO_free(bio);
	(void)close(fd);
	*pkey_r = pkey;
	return pkey == NULL ? -1 : 0;
}

int
keys_pin(const char *key_file, struct pin *pin_r, struct err *err)
{
	EVP_PKEY *pkey;
	int ret;

	if (tls_load_key(key_file, &pkey, err) == -1)
		return -1;
	ret = tls_pin_of_pkey(pkey, pin_r, err);
	EVP_PKEY_free(pkey);
	return ret;
}

static int
key_create(int dirfd, struct err *err)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	long len = 0;
	int ret = -1;

	if (pkey == NULL || bio == NULL ||
	    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
	    != 1 || (len = BIO_get_mem_data(bio, &pem)) <= 0) {
		err_set(err, ERR_TEMP, "cannot make a key");
		goto out;
	}
	ret = file_create_once(dirfd, KEYS_KEY_FILE, 0600, pem, (size_t)len,
	    err);
out:
	if (pem != NULL)
		OPENSSL_cleanse(pem, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return ret;
}

/* No extension is set: nobody reads them where keys are pinned. */
static X509 *
cert_new(EVP_PKEY *pkey)
{
	X509 *cert = X509_new();
	uint8_t serial[8];
	uint64_t number;

	if (cert == NULL)
		return NULL;
	random_bytes(serial, sizeof(serial));
	memcpy(&number, serial, sizeof(number));
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
	    number >> 1 | 1) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(cert),
	    CERT_NOT_BEFORE) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(cert),
	    CERT_NOT_AFTER) == 1 &&
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_ASC, (const unsigned char *)CERT_SUBJECT, -1, -1, 0) == 1
	    && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
	    X509_set_pubkey(cert, pkey) == 1 &&
	    X509_sign(cert, pkey, NULL) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static int
cert_create(int dirfd, EVP_PKEY *pkey, struct err *err)
{
	X509 *cert = cert_new(pkey);
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len = 0;
	int ret = -1;

	if (cert != NULL && bio != NULL && PEM_write_bio_X509(bio, cert) == 1)
		len = BIO_get_mem_data(bio, &pem);
	if (len > 0)
		ret = file_create_once(dirfd, KEYS_CERT_FILE, 0644, pem,
		    (size_t)len, err);
	else
		err_set(err, ERR_TEMP, "cannot make a certificate");
	BIO_free(bio);
	X509_free(cert);
	return ret;
}

int
keys_ensure(const char *dir, struct pin *pin_r, bool *made_r, struct err *err)
{
	EVP_PKEY *pkey = NULL;
	struct strbuf path;
	bool made = false;
	int dirfd, ret = -1;

	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return err_sys(err, "cannot open the folder %s", dir);
	strbuf_init(&path, 4096);
	strbuf_addf(&path, "%s/" KEYS_KEY_FILE, dir);
	if (faccessat(dirfd, KEYS_KEY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == -1) {
		made = true;
		if (key_create(dirfd, err) == -1)
			goto out;
	}
	/* Read back what is there: somebody else may have been first. */
	if (tls_load_key(path.data, &pkey, err) == -1)
		goto out;
	if (faccessat(dirfd, KEYS_CERT_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == -1
	    && cert_create(dirfd, pkey, err) == -1)
		goto out;
	if (tls_pin_of_pkey(pkey, pin_r, err) == -1)
		goto out;
	if (made_r != NULL)
		*made_r = made;
	ret = 0;
out:
	if (ret == -1)
		err_prefix(err, "%s", dir);
	EVP_PKEY_free(pkey);
	strbuf_deinit(&path);
	(void)close(dirfd);
	return ret;
}
