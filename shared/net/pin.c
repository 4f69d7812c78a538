#include "config.h"

#include <string.h>

#include "base/digest.h"
#include "net/pin.h"

#define PIN_PREFIX	"sha256:"
#define PIN_PREFIX_LEN	(sizeof(PIN_PREFIX) - 1)

bool
pin_parse(struct pin *pin_r, const char *text, size_t len)
{
	struct pin pin;

	if (len != PIN_TEXT_SIZE - 1 ||
	    memcmp(text, PIN_PREFIX, PIN_PREFIX_LEN) != 0)
		return false;
	if (!hex_parse(pin.bytes, PIN_SIZE, text + PIN_PREFIX_LEN,
	    len - PIN_PREFIX_LEN))
		return false;
	*pin_r = pin;
	return true;
}

void
pin_format(char out[static PIN_TEXT_SIZE], const struct pin *pin)
{
	memcpy(out, PIN_PREFIX, PIN_PREFIX_LEN);
	hex_format(out + PIN_PREFIX_LEN, pin->bytes, PIN_SIZE);
}

bool
pin_equal(const struct pin *a, const struct pin *b)
{
	return memcmp(a->bytes, b->bytes, PIN_SIZE) == 0;
}
