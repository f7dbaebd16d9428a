"""A large service: some of its dependencies are imported at once, most of them
where they are needed."""
import boto3
import celery
import httpx
import pandas
import redis
import sqlalchemy
from fastapi import FastAPI

app = FastAPI()
tasks = celery.Celery("app")


@app.get("/")
def index() -> dict[str, str]:
    return {m.__name__: m.__version__ for m in (boto3, celery, httpx, pandas, redis, sqlalchemy)}
