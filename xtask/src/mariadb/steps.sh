# MariaDB, for keeper.sh: INSTALLER SERVER USER [OPTION…]

make() {
    "$1" --no-defaults --datadir="$folder/data" --skip-test-db --skip-name-resolve || return 1
    # Its root can log in by the socket alone, which lies in our folder.
    printf '%s\n' "CREATE USER IF NOT EXISTS '$3'@'127.0.0.1' IDENTIFIED BY '$PASSWORD';" \
        "GRANT ALL ON *.* TO '$3'@'127.0.0.1' WITH GRANT OPTION;" >"$folder/users.sql"
}

start() {
    server=$2
    shift 3
    "$server" --no-defaults --datadir="$folder/data" --socket="$folder/socket" \
        --pid-file="$folder/pid" --init-file="$folder/users.sql" --bind-address=127.0.0.1 \
        --port="$port" "$@" >"$folder/server.log" 2>&1 &
    process=$!
    tries=0
    until grep -q 'ready for connections' "$folder/server.log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 6000 ] || ! kill -0 "$process" 2>/dev/null; then
            cat "$folder/server.log"
            stop
            return 1
        fi
        sleep 0.1
    done
}

stop() {
    # Nobody needs its files any more.
    kill -KILL "$process" && wait "$process"
}

