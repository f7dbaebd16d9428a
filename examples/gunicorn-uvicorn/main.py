"""An ASGI application for Gunicorn with Uvicorn workers."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.path_params["word"])


async def slow(request: Request) -> PlainTextResponse:
    """Takes long enough to be stopped in the middle."""
    await asyncio.sleep(2)
    return PlainTextResponse("done")


app = Starlette(routes=[Route("/healthz", health), Route("/echo/{word}", echo), Route("/slow", slow)])
