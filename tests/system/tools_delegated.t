#!/bin/bash
# Administrators' tools, as a user to whom an organization was given.
. tests/system/lib.sh
. tests/system/matrix.sh

start_server
matrix delegated
done_testing
