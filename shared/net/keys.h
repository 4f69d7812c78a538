/*
 * keys.h - the key of this host and its certificate
 *
 * A host has one Ed25519 key in key.pem and a self-signed certificate of it in
 * cert.pem, both in its configuration folder.  The certificate never expires:
 * its key is pinned by the peers, and they say until when they trust it.
 */
#ifndef NET_KEYS_H
#define NET_KEYS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "net/pin.h"

#define KEYS_KEY_FILE	"key.pem"
#define KEYS_CERT_FILE	"cert.pem"

/*
 * The configuration folder: $DSYNC_CONFIG_DIR; else for root the system's
 * (SYSCONFDIR/dsync); else ~/.config/dsync.  ERR_CONFIG if there is no home.
 */
int keys_config_dir(struct strbuf *path, struct err *err);

/* Make the folder and its parents, the folder with mode 0700. */
int keys_make_dir(const char *dir, struct err *err);

/*
 * Make the key and certificate in dir, unless they are there.  A key that
 * exists is never replaced, also when two programs do this at once.
 * *made_r: a new key was made.
 */
int keys_ensure(const char *dir, struct pin *pin_r, bool *made_r,
    struct err *err);

/*
 * The pin of the key in a PEM file.  ERR_NOTFOUND if there is none,
 * ERR_CONFIG if others may read or replace it.
 */
int keys_pin(const char *key_file, struct pin *pin_r, struct err *err);

#endif
