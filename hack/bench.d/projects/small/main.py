"""A small web service."""
import alembic
import asyncpg
import httpx
import jinja2
import sqlalchemy
import structlog
from fastapi import FastAPI

app = FastAPI()
log = structlog.get_logger()


@app.get("/")
def index() -> dict[str, str]:
    return {m.__name__: getattr(m, "__version__", "") for m in (alembic, asyncpg, httpx, jinja2, sqlalchemy)}
