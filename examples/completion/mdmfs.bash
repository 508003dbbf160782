# shellcheck shell=bash
# Completion of mdmfs(8) for bash; make install puts it where bash-completion
# finds it.

# The state directories and mounts of servers that run.
_mdmfs_mounts()
{
	sed -n 's/^[^ ]* \([^ ]*\) fuse\.mdmfs .*/\1/p' /proc/self/mounts
}

_mdmfs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]}

	COMPREPLY=()
	case $prev in
	--key-file | --apns-trust)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user | --squash-root)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	--listen)
		mapfile -t COMPREPLY < <(compgen -W '[::]:8443 0.0.0.0:8443 127.0.0.1:8443' -- "$cur")
		return
		;;
	--schema)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--apns | --trusted-proxy | --days | --timeout | -o)
		return
		;;
	esac
	if [ "$COMP_CWORD" -eq 1 ] && [[ $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'doctor check wait backup restore' -- "$cur"
			compgen -d -- "$cur")
		return
	fi
	case $verb in
	wait)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W --timeout -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_mdmfs_mounts)" -- "$cur"
				compgen -f -- "$cur")
		fi
		;;
	doctor)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W --days -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_mdmfs_mounts)" -- "$cur"
				compgen -d -- "$cur")
		fi
		;;
	check)
		mapfile -t COMPREPLY < <(compgen -W --schema -- "$cur"
			compgen -d -- "$cur")
		;;
	backup)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W --key-file -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	restore)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	*)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '-f -o --help
				--version --listen --apns --apns-trust
				--key-file --schema --trusted-proxy --user
				--squash-root' -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		fi
		;;
	esac
}

complete -o filenames -F _mdmfs mdmfs
