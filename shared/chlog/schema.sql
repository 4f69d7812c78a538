-- The change log of one mail store: the latest change of each key, whoever
-- made it.  Times are milliseconds since 1970, identities 16-byte blobs.
--
-- seq      one counter for the whole store; a record carries the seq of its
--          latest change
-- run      who wrote that change: run.id if a run did and exactly as planned,
--          -run.id if a run did otherwise than planned, NULL for anybody else
-- born_*   the same of the moment when the key was first seen
-- stamp    when a value was given, 0 if no change of it was ever seen; stamps
--          travel with the values to other stores

-- store_id     identity of this log; a new one means: no base with anybody
-- head_seq     the seq given last
-- scanned_all  1 once every mailbox was seen; what comes later is new
-- root_dev, root_ino, root_path  the directory that the log belongs to
-- gc_time      when old tombstones were last looked for
CREATE TABLE meta (
	key		TEXT PRIMARY KEY,
	value
) WITHOUT ROWID;

-- Runs by their random identity; rows elsewhere name them by number.
CREATE TABLE run (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	guid		BLOB NOT NULL UNIQUE
);

-- The mailboxes that exist.
CREATE TABLE mailbox (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	guid		BLOB NOT NULL UNIQUE,
	name		TEXT NOT NULL,	-- parts joined by U+001F
	store_name	TEXT NOT NULL,	-- the same as this store can hold it
	selectable	INTEGER NOT NULL, -- 0: a mere directory
	lent		INTEGER NOT NULL, -- 1: the store had no GUID, UIDVALIDITY
					-- and UIDs of its own: these are ours
	token		BLOB,		-- of the last scan, if it was settled
	uidvalidity	INTEGER NOT NULL,
	uidnext		INTEGER NOT NULL,
	store_uidnext	INTEGER NOT NULL, -- what the store itself said last;
					-- uidnext counts UIDs that only the
					-- log gave, for a store kept as it is
	highestmodseq	INTEGER NOT NULL,
	messages	INTEGER NOT NULL, -- how many it holds
	exist_stamp	INTEGER NOT NULL,
	parent_stamp	INTEGER NOT NULL, -- of the path of its parent
	last_stamp	INTEGER NOT NULL, -- of the last part of its name
	seq		INTEGER NOT NULL, -- of names, UIDVALIDITY, UIDNEXT
	run		INTEGER,
	tree_seq	INTEGER NOT NULL, -- of its existence and name alone
	tree_run	INTEGER,
	uidvalidity_seq	INTEGER NOT NULL,
	uidvalidity_run	INTEGER,
	message_seq	INTEGER NOT NULL, -- highest of its messages, gone ones too
	born_seq	INTEGER NOT NULL,
	born_run	INTEGER,
	set_digest	BLOB		-- of all messages, NULL: not computed
);

-- The mailboxes that are gone.
CREATE TABLE mailbox_gone (
	guid		BLOB PRIMARY KEY,
	name		TEXT NOT NULL,
	stamp		INTEGER NOT NULL, -- of the deletion
	seq		INTEGER NOT NULL,
	run		INTEGER,
	born_seq	INTEGER NOT NULL,
	born_run	INTEGER,
	time		INTEGER NOT NULL
) WITHOUT ROWID;

-- The messages that exist.
CREATE TABLE message (
	id		INTEGER PRIMARY KEY, -- mailbox * 4294967296 + UID
	mailbox		INTEGER NOT NULL, -- mailbox.id
	guid		TEXT NOT NULL,
	mark		BLOB NOT NULL,	-- birth mark, the smallest of them
	more_marks	BLOB,		-- the others, sorted, 16 bytes each
	flags		INTEGER NOT NULL, -- 1 answered 2 flagged 4 deleted 8 seen
					-- 16 draft
	stamps		TEXT,		-- of these five; NULL: all 0
	keywords	TEXT,		-- "+set stamp -cleared stamp ..."
	modseq		INTEGER NOT NULL,
	received	INTEGER,	-- seconds; NULL: not cheaply known
	pop3_uidl	TEXT,
	pop3_order	INTEGER NOT NULL,
	digest		BLOB,		-- SHA-256 of the text, NULL: not known
	seq		INTEGER NOT NULL,
	run		INTEGER,
	born_seq	INTEGER NOT NULL,
	born_run	INTEGER,
	uid_seq		INTEGER NOT NULL, -- when it got another UID; 0: never
	uid_run		INTEGER
);
CREATE INDEX message_by_seq ON message (mailbox, seq, run);
CREATE INDEX message_by_mark ON message (mark);
-- message_by_guid (guid) and message_by_digest (digest) are made when the first
-- run is over, or 65,536 messages are in.

-- For people: .mode line, SELECT * FROM messages;
CREATE VIEW messages AS
	SELECT replace(b.name, char(31), '/') AS mailbox,
	    m.id & 4294967295 AS uid, m.guid, hex(m.mark) AS mark, m.flags,
	    m.keywords, m.seq, hex(r.guid) AS run
	FROM message m JOIN mailbox b ON b.id = m.mailbox
	    LEFT JOIN run r ON r.id = m.run;

-- Messages on their way through a scan: in the log and not met so far.
CREATE TABLE missing AS SELECT * FROM message WHERE 0;
CREATE INDEX missing_by_guid ON missing (mailbox, guid, id);

-- The messages that are gone.
CREATE TABLE tombstone (
	id		INTEGER PRIMARY KEY,
	mailbox		BLOB NOT NULL,	-- GUID of the mailbox
	uid		INTEGER NOT NULL,
	guid		TEXT NOT NULL,
	mark		BLOB NOT NULL,
	more_marks	BLOB,
	seq		INTEGER NOT NULL,
	run		INTEGER,
	born_seq	INTEGER NOT NULL,
	born_run	INTEGER,
	time		INTEGER NOT NULL
);
CREATE INDEX tombstone_by_uid ON tombstone (mailbox, uid, id);
CREATE INDEX tombstone_by_seq ON tombstone (mailbox, seq, run);
CREATE INDEX tombstone_by_guid ON tombstone (guid);
CREATE INDEX tombstone_by_mark ON tombstone (mark);

-- The second and further marks, so that they are found like the first.
CREATE TABLE extra_mark (
	mark		BLOB NOT NULL,
	message		INTEGER,	-- message.id, or NULL
	tombstone	INTEGER		-- tombstone.id, or NULL
);
CREATE INDEX extra_mark_by_mark ON extra_mark (mark);
CREATE INDEX extra_mark_by_message ON extra_mark (message)
	WHERE message IS NOT NULL;
CREATE INDEX extra_mark_by_tombstone ON extra_mark (tombstone)
	WHERE tombstone IS NOT NULL;

CREATE TABLE subscription (
	name		TEXT PRIMARY KEY,
	store_name	TEXT NOT NULL,
	state		INTEGER NOT NULL, -- 1: subscribed
	stamp		INTEGER NOT NULL,
	seq		INTEGER NOT NULL,
	run		INTEGER
) WITHOUT ROWID;

-- GUIDs of mailboxes that became one with another mailbox.
CREATE TABLE alias (
	old		BLOB PRIMARY KEY,
	new		BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX alias_by_new ON alias (new);

-- What this store and another one remember of each other; the higher id is the
-- newer one.
CREATE TABLE position (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,
	peer		BLOB NOT NULL,
	scope		BLOB NOT NULL,	-- zero: the whole store
	run		BLOB NOT NULL,
	seq		INTEGER NOT NULL, -- when the run took its view
	time		INTEGER NOT NULL
);
CREATE INDEX position_by_peer ON position (peer, scope);

-- What a run did not do exactly as planned.
CREATE TABLE pending (
	position	INTEGER NOT NULL,
	mailbox		BLOB NOT NULL,	-- zero: a subscription
	uid		INTEGER NOT NULL, -- 0: the mailbox itself
	mark		BLOB NOT NULL,
	reason		TEXT NOT NULL
);
CREATE INDEX pending_by_position ON pending (position);

-- The store last met under a name.
CREATE TABLE label (
	label		TEXT PRIMARY KEY,
	peer		BLOB NOT NULL,
	messages	INTEGER NOT NULL -- that it held
) WITHOUT ROWID;

-- Attributes of mailboxes, and those that are gone.  Logs that were begun before
-- there were any get this table and all below when they are opened.
-- meta: attributes_seq  head_seq when they were looked at for the first time
CREATE TABLE attribute (
	mailbox		INTEGER NOT NULL, -- mailbox.id
	key		TEXT NOT NULL,
	value		BLOB,		-- NULL: it is gone
	stamp		INTEGER NOT NULL,
	seq		INTEGER NOT NULL,
	run		INTEGER,
	PRIMARY KEY (mailbox, key)
) WITHOUT ROWID;

-- What a run is about to write, until this log has it as well; the same for logs
-- that lack it.
CREATE TABLE intent (
	mailbox		BLOB NOT NULL,	-- GUID of the mailbox; zero: none
	uid		INTEGER NOT NULL, -- 0: not a message
	key		TEXT NOT NULL,	-- GUID of the message whose flags it
					-- is; an attribute; a name that is
					-- subscribed; empty: a new UID, or
					-- name; 'new ' and the GUID of a
					-- message to be made
	digest		BLOB,		-- of what it will be, NULL: gone; of a
					-- message to be made, and its marks
	flags		INTEGER NOT NULL, -- as in message
	stamps		TEXT,
	keywords	TEXT,
	run		BLOB NOT NULL,	-- run.guid
	PRIMARY KEY (mailbox, uid, key)
) WITHOUT ROWID;

-- How names are spelt in a store that cannot hold them; the same again.
CREATE INDEX mailbox_by_name ON mailbox (name);
CREATE INDEX mailbox_by_spelling ON mailbox (store_name);
CREATE INDEX subscription_by_spelling ON subscription (store_name);
