#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/files/mail_input.h"
#include "store/maildir/maildir.h"

#define POP3_UIDL_MAX	255U	/* bytes */

/* What a struct mail_info of ours points to. */
struct info_text {
	char guid[GUID_TEXT_MAX + 1];
	char pop3_uidl[POP3_UIDL_MAX + 1];
	const char *keywords[KEYWORDS_MAX];
};

struct mail_reader {
	int fd;
	struct mail_input *input;
	struct info_text text;
};

struct scan {
	struct maildir_box *box;
	store_scan_fn *fn;
	void *arg;
	struct info_text text;
};

static void
fill_pop3(struct mail_info *info, struct info_text *text,
    const struct uidlist_record *rec)
{
	const char *value;
	uint64_t n;
	size_t len;

	if (uidlist_field(rec->fields, rec->fields_len, 'P', &value, &len) &&
	    len > 0 && len <= POP3_UIDL_MAX) {
		memcpy(text->pop3_uidl, value, len);
		text->pop3_uidl[len] = '\0';
		info->pop3_uidl = text->pop3_uidl;
	}
	if (uidlist_field(rec->fields, rec->fields_len, 'O', &value, &len) &&
	    uidlist_number(value, len, UINT32_MAX, &n))
		info->pop3_order = (uint32_t)n;
}

/* From the name, else from the line. */
static uint64_t
known_size(const struct uidlist_record *rec)
{
	struct file_sizes sizes;
	const char *value;
	uint64_t n;
	size_t len;

	file_name_sizes(&sizes, rec->base, rec->base_len);
	if (sizes.has_size)
		return sizes.size;
	if (uidlist_field(rec->fields, rec->fields_len, 'S', &value, &len) &&
	    uidlist_number(value, len, MAIL_SIZE_MAX, &n))
		return n;
	return 0;
}

static void
fill_info(struct maildir_box *box, const struct uidlist_record *rec,
    uint32_t letters, struct mail_info *info, struct info_text *text)
{
	*info = (struct mail_info){ .uid = rec->uid,
	    .modseq = maildir_index_modseq(box, rec->uid),
	    .size = known_size(rec), .received = RECEIVED_UNKNOWN };
	uidlist_guid(rec, text->guid);
	info->guid = text->guid;
	maildir_effective(box, rec->uid, letters, info, text->keywords);
	fill_pop3(info, text, rec);
}

static int
scan_line(const struct uidlist_record *rec, void *arg, struct err *err)
{
	struct scan *scan = arg;
	struct maildir_box *box = scan->box;
	struct table_entry *entry;
	struct mail_info info;

	entry = table_find(box->table, rec->base, rec->base_len);
	if (entry == NULL || (entry->bits & ENTRY_FILE) == 0 ||
	    !maildir_list_is_last(&box->list, rec))
		return 0;
	fill_info(box, rec, table_entry_letters(box->table, entry), &info,
	    &scan->text);
	return scan->fn(&info, scan->arg, err);
}

/* The line that a message without one would have. */
static void
unlisted_record(const struct maildir_list *list, const char *base,
    struct uidlist_record *rec)
{
	const char *fields = maildir_list_orphan(list, base);

	*rec = (struct uidlist_record){ .fields = fields == NULL ? "" :
	    fields, .base = base, .base_len = strlen(base) };
	rec->fields_len = strlen(rec->fields);
}

static int
scan_unlisted(const char *base, void *arg, struct err *err)
{
	struct scan *scan = arg;
	struct uidlist_record rec;

	unlisted_record(&scan->box->list, base, &rec);
	return scan_line(&rec, scan, err);
}

int
maildir_scan(struct mailbox *head, store_scan_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct scan scan = { .box = box, .fn = fn, .arg = arg };

	if (maildir_sync(box, err) == -1)
		return -1;
	maildir_index_catch_up(box);
	if (maildir_list_walk(box, scan_line, &scan, err) == -1)
		return -1;
	if (!box->store->readonly)
		return 0;
	return maildir_each_unlisted(box, scan_unlisted, &scan, err);
}

struct search {
	struct maildir_box *box;
	const char *guid;
	struct list_line *line;
	bool found;
};

static void
copy_record(struct list_line *line, const struct uidlist_record *rec)
{
	line->record = *rec;
	memcpy(line->text, rec->fields, rec->fields_len);
	memcpy(line->text + rec->fields_len, rec->base, rec->base_len);
	line->record.fields = line->text;
	line->record.base = line->text + rec->fields_len;
}

static int
search_line(const struct uidlist_record *rec, void *arg, struct err *err)
{
	struct search *search = arg;
	const struct table_entry *entry;
	char guid[GUID_TEXT_MAX + 1];

	(void)err;
	if (search->found)
		return 0;
	uidlist_guid(rec, guid);
	if (strcmp(guid, search->guid) != 0)
		return 0;
	/* Lines of expunged messages stay for a while, GUIDs may repeat. */
	entry = table_find(search->box->table, rec->base, rec->base_len);
	if (entry == NULL || (entry->bits & ENTRY_FILE) == 0)
		return 0;
	copy_record(search->line, rec);
	search->found = true;
	return 0;
}

static int
search_unlisted(const char *base, void *arg, struct err *err)
{
	struct search *search = arg;
	struct uidlist_record rec;

	unlisted_record(&search->box->list, base, &rec);
	if (rec.fields_len + rec.base_len > UIDLIST_LINE_MAX)
		return 0;
	return search_line(&rec, search, err);
}

/* Most messages without a line have their base as GUID. */
static bool
find_by_base(struct search *search)
{
	const char *guid = search->guid;
	struct table_entry *entry = table_find(search->box->table, guid,
	    strlen(guid));
	struct err ignored = ERR_INIT;

	if (entry != NULL && (entry->bits & ENTRY_FILE) &&
	    (entry->bits & ENTRY_LISTED) == 0)
		(void)search_unlisted(guid, search, &ignored);
	return search->found;
}

static int
find_known(struct maildir_box *box, uint32_t uid, const char *guid,
    struct list_line *line, struct err *err)
{
	struct search search = { .box = box, .guid = guid, .line = line };
	char found[GUID_TEXT_MAX + 1];
	int r;

	if (uid != 0) {
		if ((r = maildir_list_find(box, uid, line, err)) != 0)
			return r;
		uidlist_guid(&line->record, found);
		return strcmp(found, guid) == 0 ? 0 : 1;
	}
	if (find_by_base(&search))
		return 0;
	if (maildir_list_walk(box, search_line, &search, err) == -1)
		return -1;
	if (!search.found && box->store->readonly &&
	    maildir_each_unlisted(box, search_unlisted, &search, err) == -1)
		return -1;
	return search.found ? 0 : 1;
}

int
maildir_message_find(struct maildir_box *box, uint32_t uid, const char *guid,
    struct list_line *line, struct err *err)
{
	int r = find_known(box, uid, guid, line, err);

	/* It may have come after we looked. */
	if (r == 1 && (r = maildir_sync(box, err)) == 0)
		r = find_known(box, uid, guid, line, err);
	return r;
}

int
maildir_file_open(struct maildir_box *box, const char *base, size_t len,
    char name_r[static FILE_NAME_MAX + 1], int *where_r,
    struct path_stat *st_r, int *fd_r, struct err *err)
{
	struct table_entry *entry;
	struct err why;
	int dir;

	for (int attempt = 0; attempt < 2; attempt++) {
		if (attempt == 1 && maildir_read_dirs(box, true, err) == -1)
			return -1;
		entry = table_find(box->table, base, len);
		if (entry == NULL || !table_file_name(box->table, entry,
		    base, len, name_r))
			continue;
		dir = entry->bits & ENTRY_CUR ? box->cur_fd : box->new_fd;
		why = (struct err)ERR_INIT;
		*fd_r = path_open_file(&box->store->root, dir, name_r, st_r,
		    &why);
		if (*fd_r != -1) {
			*where_r = entry->bits & ENTRY_CUR ? ENTRY_CUR :
			    ENTRY_NEW;
			return 0;
		}
		/* Renamed or expunged since: read the directories again. */
		if (why.errnum != ENOENT) {
			*err = why;
			return -1;
		}
	}
	return 1;
}

int
maildir_reader_open(struct mailbox *head, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct list_line *line = mem_alloc(sizeof(*line));
	struct mail_reader *reader = mem_alloc(sizeof(*reader));
	char name[FILE_NAME_MAX + 1];
	struct file_name parsed;
	struct path_stat st;
	uint64_t size;
	int r, where;

	reader->fd = -1;
	r = maildir_message_find(box, uid, guid, line, err);
	if (r == 0)
		r = maildir_file_open(box, line->record.base,
		    line->record.base_len, name, &where, &st, &reader->fd,
		    err);
	if (r == 0)
		r = mail_input_open(&reader->input, reader->fd, 0, st.size,
		    &size, err);
	if (r == 0) {
		file_name_parse(&parsed, name);
		fill_info(box, &line->record, parsed.letters, info_r,
		    &reader->text);
		info_r->size = size;
		info_r->received = st.mtime;
		info_r->saved = path_changed(&st);
		*reader_r = reader;
	} else {
		maildir_reader_close(&reader);
	}
	free(line);
	if (r == 1)
		return err_set(err, ERR_NOTFOUND, "the message is gone");
	return r;
}

ptrdiff_t
maildir_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err)
{
	return mail_input_read(reader->input, buf, len, err);
}

void
maildir_reader_close(struct mail_reader **readerp)
{
	struct mail_reader *reader = *readerp;

	if (reader == NULL)
		return;
	mail_input_close(&reader->input);
	if (reader->fd != -1)
		close(reader->fd);
	free(reader);
	*readerp = NULL;
}
