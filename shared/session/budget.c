#include "config.h"

#include "base/array.h"
#include "session/session_int.h"

/* What may arrive when; all else ends the session with ERR_PROTO. */
static const struct session_rule rules[] = {
	{ SESSION_HELLO,	MSG_HELLO,		on_hello },
	{ SESSION_HELLO,	MSG_BYE,		on_bye },
	{ SESSION_BEGIN,	MSG_BEGIN,		on_begin },
	{ SESSION_BEGIN,	MSG_BYE,		on_bye },
	{ SESSION_OPEN,		MSG_LIST,		on_list },
	{ SESSION_OPEN,		MSG_TREE,		on_tree },
	{ SESSION_OPEN,		MSG_HAVE,		on_have },
	{ SESSION_OPEN,		MSG_GET,		on_get },
	{ SESSION_OPEN,		MSG_OP_MAILBOX,		on_op_mailbox },
	{ SESSION_OPEN,		MSG_OP_MAILBOX_DELETE,	on_op_mailbox_delete },
	{ SESSION_OPEN,		MSG_OP_SUBSCRIBE,	on_op_subscribe },
	{ SESSION_OPEN,		MSG_OP_ATTRIBUTE,	on_op_attribute },
	{ SESSION_OPEN,		MSG_OP_SAVE,		on_op_save },
	{ SESSION_OPEN,		MSG_OP_COPY,		on_op_copy },
	{ SESSION_OPEN,		MSG_OP_FLAGS,		on_op_flags },
	{ SESSION_OPEN,		MSG_OP_EXPUNGE,		on_op_expunge },
	{ SESSION_OPEN,		MSG_OP_SET_UID,		on_op_set_uid },
	{ SESSION_OPEN,		MSG_OP_MODSEQ,		on_op_modseq },
	{ SESSION_OPEN,		MSG_FLUSH,		on_flush },
	{ SESSION_OPEN,		MSG_PENDING,		on_pending },
	{ SESSION_OPEN,		MSG_COMMIT,		on_commit },
	{ SESSION_OPEN,		MSG_BYE,		on_bye },
	{ SESSION_BODY,		MSG_BODY_CHUNK,		on_body_chunk },
	{ SESSION_BODY,		MSG_BODY_END,		on_body_end },
	/* Questions wait for their turn, and need not wait to be asked. */
	{ SESSION_BODY,		MSG_LIST,		on_list },
	{ SESSION_BODY,		MSG_TREE,		on_tree },
	{ SESSION_BODY,		MSG_HAVE,		on_have },
	{ SESSION_BODY,		MSG_GET,		on_get },
};

const struct session_rule *
session_rule_find(enum session_state state, enum msg_kind kind)
{
	for (size_t i = 0; i < nitems(rules); i++)
		if (rules[i].state == state && rules[i].kind == kind)
			return &rules[i];
	return NULL;
}

const char *
session_state_name(enum session_state state)
{
	switch (state) {
	case SESSION_HELLO:
		return "HELLO";
	case SESSION_BEGIN:
		return "BEGIN";
	case SESSION_OPEN:
		return "a question or an operation";
	case SESSION_BODY:
		return "a body";
	case SESSION_OVER:
		return "nothing";
	}
	return "";
}
