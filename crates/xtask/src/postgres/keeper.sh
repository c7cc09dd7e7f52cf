# Ends a temporary cluster when the xtask that started it is gone, however it went: end of file on standard input
# is the only sign that also comes after kill -9. $1 is the cluster's folder.
trap '' INT TERM HUP
cat > /dev/null
if read -r pid 2> /dev/null < "$1/data/postmaster.pid"; then
    kill -QUIT "$pid" 2> /dev/null # "immediate": nothing in there is worth a checkpoint
    # The server deletes that file as its last act. Asking for the process instead would find its zombie in a
    # container where nobody collects it.
    tries=0
    while [ -e "$1/data/postmaster.pid" ] && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
fi
rm -rf "$1"
