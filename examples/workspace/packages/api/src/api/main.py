"""The service as an ASGI application."""

import asyncio

from pricing import total
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def order(request: Request) -> JSONResponse:
    return JSONResponse({"total": total(request.query_params.getlist("item"))})


async def statement(request: Request) -> JSONResponse:
    """Sums up everything, which takes a while."""
    await asyncio.sleep(2)
    return JSONResponse({"total": 0})


app = Starlette(routes=[Route("/healthz", health), Route("/order", order), Route("/statement", statement)])
