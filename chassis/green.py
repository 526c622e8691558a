"""Prepare a worker process for eventlet; `work.py` imports this module before any other.

Importing is the act: `from chassis import green  # noqa: F401`. An explicit call could come after
an import that has already bound the blocking socket, and then one slow answer would stop every
handler. Never import it in a gRPC process: a gRPC server in a patched process never answers
(ADR-0002).
"""

import os
import sys
import warnings

# Read once by psycopg and eventlet when they are imported: psycopg must wait in Python code that
# eventlet patches, and eventlet must leave name resolution to the system's resolver.
os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
os.environ["EVENTLET_NO_GREENDNS"] = "yes"

_too_late = sorted({"psycopg", "pika", "nameko", "grpc"} & sys.modules.keys())
if _too_late:
    message = f"chassis.green must be imported before {', '.join(_too_late)}"
    raise RuntimeError(message)

# Eventlet says of itself that it is deprecated; ADR-0002 says why it stays behind work.py.
warnings.filterwarnings("ignore", message="\nEventlet is deprecated", category=Warning)

import eventlet  # noqa: E402  (the environment above must be set first)

eventlet.monkey_patch()
