"""The site as a WSGI application."""

import os
import time

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/healthz")
def health() -> str:
    return "ok"


@app.get("/")
def index() -> str:
    return render_template("index.html", name=os.environ["CATALOG_NAME"], items=["tea", "coffee"])


@app.get("/export")
def export() -> str:
    """Writes everything out, which takes a while."""
    time.sleep(2)
    return "tea,coffee"
