# Keeps a throw-away server: sh -c "STEPS THIS" keeper NAME [ARGUMENT…]
#
# The steps are the functions `make`, `start` and `stop` of one kind of server; they work in $folder, on
# $port, and write to $log. This makes the server's files in a new folder and says `made`. Then it
# reads port numbers from standard input and answers each with `listening` or `refused`. When standard
# input ends, which it does however the caller ends, it stops the server and deletes the folder.
set -eu
name=$1
shift

folder=$(mktemp -d "${TMPDIR:-/tmp}/batchintory-$name.XXXXXX")
log=$folder/log

clean_up() {
    stop >>"$log" 2>&1 || true
    rm -rf "$folder"
}
trap clean_up EXIT

if ! make "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
unset PASSWORD
echo made

while read -r port; do
    if start "$@" >>"$log" 2>&1; then
        echo listening
    else
        cat "$log" >&2
        echo refused
    fi
done
