# PostgreSQL, for keeper.sh: SERVER_PROGRAMS USER [SETTING…]

make() {
    programs=$1
    user=$2
    shift 2
    printf '%s\n' "$PASSWORD" >"$folder/password"
    "$programs/initdb" --pgdata="$folder/cluster" --username="$user" \
        --pwfile="$folder/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync ||
        return 1
    rm "$folder/password"
    for setting in "$@"; do
        printf '%s\n' "$setting" >>"$folder/cluster/postgresql.conf"
    done
}

start() {
    "$programs/pg_ctl" start --pgdata="$folder/cluster" --log="$log" --wait --timeout=600 --options="-p $port"
}

stop() {
    "$programs/pg_ctl" stop --pgdata="$folder/cluster" --mode=immediate --silent
}

