# Kills process groups once whoever feeds its standard input is gone, however that ended.
#
# Reads lines: `+ GROUP` is to be killed, `- GROUP` is not any more.
trap '' HUP INT TERM
groups=' '
while read -r sign group; do
    case $sign in
    +) groups="$groups$group " ;;
    -) case $groups in
        *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac ;;
    esac
done
for group in $groups; do
    kill -9 "-$group"
done
