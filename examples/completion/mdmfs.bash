# shellcheck shell=bash
# Completion of mdmfs(8) for bash; make install puts it where bash-completion
# finds it.

# The state directories and mounts of servers that run.
_mdmfs_mounts()
{
	sed -n 's/^[^ ]* \([^ ]*\) fuse\.mdmfs .*/\1/p' /proc/self/mounts
}

# _mdmfs_below MOUNT CUR: paths are below the mount, wherever the shell is.
_mdmfs_below()
{
	local i

	mapfile -t COMPREPLY < <(cd -- "$1" 2>/dev/null && compgen -f -- "$2")
	for i in "${!COMPREPLY[@]}"; do
		[ -d "$1/${COMPREPLY[i]}" ] || continue
		COMPREPLY[i]+=/
		compopt -o nospace 2>/dev/null
	done
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
		local at=2
		[ "${COMP_WORDS[2]}" != --timeout ] || at=4
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W --timeout -- "$cur")
		elif [ "$COMP_CWORD" -gt "$at" ]; then
			_mdmfs_below "${COMP_WORDS[at]}" "$cur"
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_mdmfs_mounts)" -- "$cur"
				compgen -d -- "$cur")
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
