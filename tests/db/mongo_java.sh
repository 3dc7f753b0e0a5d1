#!/bin/sh
# The second server for the tests of MongoDB (MongoJava.java), or "missing: ...".
set -eu
if [ -z "${SLUICE_CACHE:-}" ] || ! place=$(ci/tool mongo-java 2> /dev/null); then
    echo "missing: mongo-java-server (ci/tool mongo-java: a JDK and Maven)"
    exit 0
fi
exec java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$place:$place/*" MongoJava 2> /dev/null
