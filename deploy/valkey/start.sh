#!/bin/sh
# Starts Valkey with one user, named melisma, that reaches the keys and channels of the service alone.
#   start.sh FILE_OF_THE_PASSWORD CONFIGURATION
# The password stands nowhere else: Valkey is given its hash.
set -eu
umask 077
hash=$(tr -d '\r\n' <"$1" | sha256sum | cut -c 1-64)
# The default user cannot log in, and keeps its rights: with them the server reads its append-only file again. Without
# them it silently leaves out what scripts have written.
rights='resetchannels ~m:* &m:* +@all -@dangerous +info'
printf 'user default off ~* &* +@all\nuser melisma on #%s %s\n' "$hash" "$rights" >"${TMPDIR:-/tmp}/users.acl"
exec valkey-server "$2" --aclfile "${TMPDIR:-/tmp}/users.acl"
