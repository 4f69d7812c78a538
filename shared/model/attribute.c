#include "config.h"

#include <string.h>

#include "model/attribute.h"

#define DOVECOT_OWN	"vendor/vendor.dovecot/pvt/"
#define DOVECOT_SERVER	"server/"
#define DOVECOT_SIEVE	"sieve/"

/* What follows the prefix, or NULL if it does not begin with it. */
static const char *
skip(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static const char *
skip_scope(const char *key)
{
	const char *rest = skip(key, ATTRIBUTE_PRIVATE);

	return rest != NULL ? rest : skip(key, ATTRIBUTE_SHARED);
}

bool
attribute_key_valid(const char *key, size_t len)
{
	const char *rest;

	if (len > ATTRIBUTE_KEY_MAX || memchr(key, '\0', len) != NULL ||
	    (rest = skip_scope(key)) == NULL || key[len - 1] == '/')
		return false;
	for (const char *p = rest; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '*' || *p == '%' ||
		    (*p == '/' && p[-1] == '/'))
			return false;
	return *rest != '\0';
}

bool
attribute_is_internal(const char *key)
{
	const char *rest = skip_scope(key);

	if (rest == NULL || (rest = skip(rest, DOVECOT_OWN)) == NULL)
		return false;
	rest = skip(rest, DOVECOT_SERVER);
	return rest == NULL || skip(rest, DOVECOT_SIEVE) != NULL;
}

int
attribute_value_cmp(const uint8_t *a, size_t a_len, const uint8_t *b,
    size_t b_len)
{
	size_t least = a_len < b_len ? a_len : b_len;
	int cmp;

	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	cmp = least == 0 ? 0 : memcmp(a, b, least);
	if (cmp != 0)
		return cmp;
	return (a_len > b_len) - (a_len < b_len);
}
