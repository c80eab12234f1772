# Keeps a throw-away PostgreSQL server: sh -c THIS keeper SERVER_PROGRAMS USER [SETTING…]
#
# Makes a cluster in a new folder and says `made`. Then reads port numbers from standard input and
# answers each with `listening` or `refused`. When standard input ends, which it does however the
# caller ends, it stops the server and deletes the folder.
set -eu
programs=$1
user=$2
shift 2

folder=$(mktemp -d "${TMPDIR:-/tmp}/batchintory-postgres.XXXXXX")
cluster=$folder/cluster
log=$folder/log

clean_up() {
    "$programs/pg_ctl" stop --pgdata="$cluster" --mode=immediate --silent >>"$log" 2>&1 || true
    rm -rf "$folder"
}
trap clean_up EXIT

printf '%s\n' "$PASSWORD" >"$folder/password"
if ! "$programs/initdb" --pgdata="$cluster" --username="$user" --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
rm "$folder/password"
unset PASSWORD
for setting in "$@"; do
    printf '%s\n' "$setting" >>"$cluster/postgresql.conf"
done
echo made

while read -r port; do
    if "$programs/pg_ctl" start --pgdata="$cluster" --log="$log" --wait --options="-p $port" \
        >>"$log" 2>&1; then
        echo listening
    else
        cat "$log" >&2
        echo refused
    fi
done
