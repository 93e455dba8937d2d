#!/usr/bin/env bash
# A newcomer's hour, on a bare Debian with Go and nothing else: the two commands of README.md, and the tasks of docs/tasks.md as
# they stand there. Each step is printed with its seconds and its seconds of processor time; the first that fails ends the hour.
#
#	bash internal/newcomer/run.sh [quickstart] [test] [tasks]     all of them if none is named
#
# Needs root, debootstrap, unshare and git, and reaches a mirror of Debian (LADING_DEBIAN_MIRROR) and the Go module proxy. The Go
# that is copied in is this machine's. What is looked at is the last commit here. Nothing is left behind; LADING_TMP says where it
# works, with 8 GB free.
set -euo pipefail
cd "$(dirname "$0")/../.."

steps=${*:-quickstart test tasks}
for step in $steps; do
	case $step in quickstart | test | tasks) ;; *) sed -n 's/^# \{0,1\}//; 2,10p' "$0" >&2; exit 3 ;; esac
done
[ "$(id -u)" = 0 ] || { echo "newcomer: a bare root takes root to make" >&2; exit 2; }
for program in debootstrap unshare git go; do
	command -v "$program" >/dev/null || { echo "newcomer: needs $program" >&2; exit 2; }
done

work=$(mktemp -d "${LADING_TMP:-/var/tmp}/lading-newcomer.XXXXXX")
root=$work/root
leave() {
	chmod -R u+w "$work" 2>/dev/null || true # the module cache is read-only
	rm -rf --one-file-system "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

# step TITLE COMMAND... runs a command and prints how long it took. What it says is shown where it fails.
step() {
	local title=$1 said=$work/said
	shift
	TIMEFORMAT='%R %U %S'
	if { time "$@" >"$said" 2>&1; } 2>"$work/time"; then
		read -r wall user system <"$work/time"
		awk -v t="$title" -v w="$wall" -v u="$user" -v s="$system" 'BEGIN { printf "%-34s %7.1f s  %7.1f s of processor time\n", t, w, u + s }'
	else
		printf '%s: FAILED\n' "$title"
		tail -60 "$said"
		exit 1
	fi
}

bare() {
	debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "${LADING_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	cat "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" >"$root/etc/ssl/certs/ca-certificates.crt"
	cp -a "$(go env GOROOT)" "$root/usr/local/go"
	mkdir -p "$root/home/new"
}

clone() {
	git clone -q --no-hardlinks . "$root/home/new/lading"
	chown -R 1000:1000 "$root/home/new"
}

# inside COMMAND... runs a command in the bare root, in the clone, as a user of its own, with nothing of this environment.
inside() {
	unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$1/proc"; root=$1; shift; exec chroot --userspec=1000:1000 "$root" "$@"' sh \
		"$root" /usr/bin/env -i HOME=/home/new PATH=/usr/local/go/bin:/usr/bin:/bin GOPROXY="$(go env GOPROXY)" GOTOOLCHAIN=local LANG=C.UTF-8 \
		sh -ec 'cd /home/new/lading; exec "$@"' sh "$@"
}

# tasks prints the commands of docs/tasks.md as one script, which says when each task begins and ends.
tasks() {
	awk '
		/^```sh/ { shell = 1; printf "title=%c%s%c; began=$(date +%%s.%%N); exec 3>&1 >\"$HOME/said\" 2>&1\n", 39, title, 39; next }
		/^```/ && shell { shell = 0; print "exec >&3 2>&1; took \"$title\" \"$began\""; next }
		shell { print; next }
		/^## / { title = substr($0, 4); gsub(/[^A-Za-z0-9 .]/, "", title) }
		/^Build the command/ { title = "   the command line" }
		/^An image is/ { title = "   the quick start, for an image" }
	' docs/tasks.md
}

step "a bare Debian with Go" bare
step "a clone" clone
for name in $steps; do
	case $name in
	quickstart)
		step "go run ./examples/quickstart" inside go run ./examples/quickstart
		grep -q 'Every outcome was as it should be' "$work/said" || { cat "$work/said"; exit 1; }
		step "  again" inside go run ./examples/quickstart
		;;
	test)
		step "go test work" inside go test work
		step "  again, nothing from its cache" inside go test -count=1 work
		;;
	tasks)
		cat >"$root/home/new/tasks.sh" <<-'END'
			took() { awk -v t="$1" -v b="$2" -v e="$(date +%s.%N)" 'BEGIN { printf "%-34s %7.1f s\n", t, e - b }'; }
			failed() { [ "$?" = 0 ] || { exec >&3 2>&1; echo "$title: FAILED"; tail -40 "$HOME/said"; }; }
			trap failed EXIT
		END
		tasks >>"$root/home/new/tasks.sh"
		inside sh -e /home/new/tasks.sh
		;;
	esac
done
