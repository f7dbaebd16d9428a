"""Pages that greet."""

import asyncio

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


async def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def hello(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "greetings/hello.html", {"name": name})


async def everybody(request: HttpRequest) -> HttpResponse:
    """Greets one after the other, which takes a while."""
    await asyncio.sleep(2)
    return HttpResponse("Hello, all!")
