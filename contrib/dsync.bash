# Completion of dsync's command line in bash.
_dsync()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local i command=

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		mirror|backup|enrol|key) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $prev in
	-c|--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	-u|--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return ;;
	-o|--set)
		mapfile -t COMPREPLY < <(compgen -S = -W 'mail_location
		    state_dir passwd_file hostname max_delete max_delete_min
		    clock_skew_max lock_timeout pair_lock_timeout
		    connect_timeout idle_timeout quiet_timeout ssl_ca ssl_crl
		    dovecot_config namespace auth_socket_path userdb_timeout
		    mail_uid mail_gid mail_home mail_access_groups
		    mail_privileged_group first_valid_uid last_valid_uid
		    mail_driver mail_path mail_inbox_path mail_index_path
		    mail_cache_path mail_control_path mail_alt_path
		    mail_alt_check mail_volatile_path mailbox_list_layout
		    mailbox_directory_name mailbox_directory_name_legacy
		    mailbox_root_directory_name
		    mailbox_subscriptions_filename mailbox_list_utf8
		    lock_method mail_fsync mail_max_lock_timeout
		    dotlock_use_excl mailbox_list_index mail_save_crlf
		    mdbox_rotate_size mdbox_rotate_interval mbox_read_locks
		    mbox_write_locks mbox_lock_timeout
		    mbox_dotlock_change_timeout mbox_lazy_writes mbox_md5
		    zlib_save zlib_save_level
		    ' -- "$cur")
		compopt -o nospace
		return ;;
	-j|--jobs|-m|--mailbox|-x|--exclude|-C|--alt-char)
		return ;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W '--user --all --jobs --config --set
		    --mailbox --exclude --reverse --dry-run --full --alt-char
		    --create --force-delete --quiet --verbose --debug
		    --progress --version --help' -- "$cur") ;;
	*)
		case $command in
		'')
			mapfile -t COMPREPLY < <(compgen -W \
			    'mirror backup enrol key' -- "$cur") ;;
		mirror|backup)
			# A server, or a mail location.
			mapfile -t COMPREPLY < <(compgen -W "$(sed -n \
			    's/^\([^# ][^ ]*\) sha256:.*/\1/p' \
			    ~/.config/dsync/servers 2>/dev/null) maildir:" \
			    -- "$cur"; compgen -d -- "$cur")
			compopt -o nospace ;;
		esac ;;
	esac
}
complete -F _dsync dsync
