#!/bin/bash
# IBM's image runs this as root each time it has set up its instance. It would make the database itself with pages of 4 KB,
# into which rows and keys of Spine's tables do not go. IDENTITY compares codes by their bytes, as the other databases do.
set -euo pipefail

database=${SPINE_DATABASE:?}
as_owner() { su - "${DB2INSTANCE:-db2inst1}" -c "$1"; }

if ! as_owner "db2 connect to $database" >/dev/null; then
    as_owner "db2 create database $database using codeset UTF-8 territory US collate using identity pagesize 32768"
fi
