#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "store/mbox/from_line.h"

#define WORDS_MAX	64U	/* of a line; the date is among them */
#define NO_ZONE		INT32_MIN

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
    "Sat" };

struct word {
	const char *p;
	size_t len;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The position in a list of three-letter names, or -1. */
static int
name_index(const struct word *w, const char *const *names, size_t n)
{
	if (w->len < 3)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bool same = true;

		for (size_t k = 0; k < 3; k++)
			same = same && tolower((unsigned char)w->p[k]) ==
			    tolower((unsigned char)names[i][k]);
		if (same)
			return (int)i;
	}
	return -1;
}

static bool
is_month(const struct word *w, int *out)
{
	int i = w->len == 3 ? name_index(w, months, nitems(months)) : -1;

	*out = i;
	return i != -1;
}

static bool
is_weekday(const struct word *w)
{
	return (w->len == 3 || (w->len == 4 && w->p[3] == ',')) &&
	    name_index(w, days, nitems(days)) != -1;
}

static bool
is_number(const struct word *w, size_t min, size_t max, int *out)
{
	int n = 0;

	if (w->len < min || w->len > max)
		return false;
	for (size_t i = 0; i < w->len; i++) {
		if (!is_digit(w->p[i]))
			return false;
		n = n * 10 + (w->p[i] - '0');
	}
	*out = n;
	return true;
}

/* hh:mm or hh:mm:ss */
static bool
is_time(const struct word *w, struct tm *tm)
{
	const char *p = w->p;

	if ((w->len != 5 && w->len != 8) || p[2] != ':' ||
	    !is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[3]) ||
	    !is_digit(p[4]))
		return false;
	tm->tm_hour = (p[0] - '0') * 10 + p[1] - '0';
	tm->tm_min = (p[3] - '0') * 10 + p[4] - '0';
	tm->tm_sec = 0;
	if (w->len == 8) {
		if (p[5] != ':' || !is_digit(p[6]) || !is_digit(p[7]))
			return false;
		tm->tm_sec = (p[6] - '0') * 10 + p[7] - '0';
	}
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 62;
}

/* A zone: minutes east for +hhmm, NO_ZONE for letters, which mean nothing. */
static bool
is_zone(const struct word *w, int32_t *out)
{
	*out = NO_ZONE;
	if (w->len == 5 && (w->p[0] == '+' || w->p[0] == '-')) {
		for (size_t i = 1; i < 5; i++) {
			if (!is_digit(w->p[i]))
				return false;
		}
		*out = ((w->p[1] - '0') * 10 + w->p[2] - '0') * 60 +
		    (w->p[3] - '0') * 10 + w->p[4] - '0';
		if (w->p[0] == '-')
			*out = -*out;
		return true;
	}
	for (size_t i = 0; i < w->len; i++) {
		if (!is_alpha(w->p[i]))
			return false;
	}
	return w->len >= 1 && w->len <= 5;
}

/* month day or day month, time, [zone [zone]], year, [zone] from word i. */
static bool
date_at(const struct word *w, size_t n, size_t i, struct tm *tm,
    int32_t *zone)
{
	int32_t after;
	int year;

	*zone = NO_ZONE;
	if (i + 3 >= n)
		return false;
	if (!((is_month(&w[i], &tm->tm_mon) &&
	    is_number(&w[i + 1], 1, 2, &tm->tm_mday)) ||
	    (is_number(&w[i], 1, 2, &tm->tm_mday) &&
	    is_month(&w[i + 1], &tm->tm_mon))))
		return false;
	if (tm->tm_mday < 1 || tm->tm_mday > 31)
		return false;
	i += 2;
	year = 0;
	/* "9 Sep 2001 01:46:40" is met as well. */
	if (is_number(&w[i], 4, 4, &year))
		i++;
	if (i >= n || !is_time(&w[i++], tm))
		return false;
	for (size_t k = 0; k < 2 && i < n; k++) {
		if (!is_zone(&w[i], &after))
			break;
		if (after != NO_ZONE)
			*zone = after;
		i++;
	}
	if (year == 0 && (i >= n || !is_number(&w[i++], 4, 4, &year)))
		return false;
	if (i < n && is_zone(&w[i], &after) && after != NO_ZONE)
		*zone = after;
	tm->tm_year = year - 1900;
	return true;
}

static size_t
split(const char *text, size_t len, struct word *w)
{
	size_t n = 0, i = 0;

	while (i < len && n < WORDS_MAX) {
		while (i < len && (text[i] == ' ' || text[i] == '\t'))
			i++;
		if (i == len)
			break;
		w[n].p = text + i;
		while (i < len && text[i] != ' ' && text[i] != '\t')
			i++;
		w[n].len = (size_t)(text + i - w[n].p);
		n++;
	}
	return n;
}

bool
from_line_parse(const char *text, size_t len, int64_t *received_r)
{
	struct word w[WORDS_MAX];
	struct tm tm = { .tm_isdst = -1 };
	int32_t zone;
	size_t n;

	if (len < 5 || len >= FROM_LINE_MAX || memcmp(text, "From ", 5) != 0)
		return false;
	if (text[len - 1] == '\r')
		len--;
	n = split(text + 5, len - 5, w);
	/*
	 * A sender may have blanks in it, so the date is looked for from each
	 * word on; the day of the week may be missing.
	 */
	for (size_t i = 0; i < n; i++) {
		size_t at = is_weekday(&w[i]) ? i + 1 : i;

		if (!date_at(w, n, at, &tm, &zone))
			continue;
		tm.tm_isdst = zone == NO_ZONE ? -1 : 0;
		*received_r = zone == NO_ZONE ? (int64_t)mktime(&tm) :
		    (int64_t)timegm(&tm) - (int64_t)zone * 60;
		return true;
	}
	return false;
}

static bool
sender_ok(const char *sender)
{
	size_t len = strlen(sender);

	if (len == 0 || len > FROM_SENDER_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (sender[i] <= ' ' || sender[i] > '~')
			return false;
	}
	return true;
}

size_t
from_line_format(char out[static FROM_LINE_MAX], const char *sender,
    int64_t received)
{
	time_t t = (time_t)received, back;
	struct tm tm, again;
	const char *zone = "";
	int len;

	if (sender == NULL || !sender_ok(sender))
		sender = "MAILER-DAEMON";
	memset(&tm, 0, sizeof(tm));
	if (localtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	again = tm;
	again.tm_isdst = -1;
	back = mktime(&again);
	if (back != t) {
		/* The hour that a change of the clocks repeats. */
		zone = " +0000";
		memset(&tm, 0, sizeof(tm));
		if (gmtime_r(&t, &tm) == NULL)
			memset(&tm, 0, sizeof(tm));
	}
	if (tm.tm_year < -1900 || tm.tm_year > 8099)
		tm = (struct tm){ .tm_year = tm.tm_year < 0 ? 70 : 8099,
		    .tm_mday = 1 };
	len = snprintf(out, FROM_LINE_MAX,
	    "From %s  %s %s %2d %02d:%02d:%02d %04d%s\n", sender,
	    days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, tm.tm_year + 1900, zone);
	return (size_t)len;
}
