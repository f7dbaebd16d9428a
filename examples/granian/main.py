"""A WSGI application for Granian."""

import time

from bottle import Bottle

app = Bottle()


@app.get("/healthz")
def health() -> str:
    return "ok"


@app.get("/echo/<word>")
def echo(word: str) -> str:
    return word


@app.get("/slow")
def slow() -> str:
    """Takes long enough to be stopped in the middle."""
    time.sleep(2)
    return "done"
