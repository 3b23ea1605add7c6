#!/bin/bash
# The entry point of autopack's own container image; bash finds it on PATH from every working directory.
exec /usr/app/bin/autopack "$@"
