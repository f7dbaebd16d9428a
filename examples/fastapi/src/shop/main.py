"""A service that tells the price of things."""

import asyncio
import getpass

from fastapi import FastAPI

app = FastAPI()


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/price/{item}")
def price(item: str) -> dict[str, str | int]:
    return {"item": item, "price": len(item), "user": getpass.getuser()}


@app.get("/inventory")
async def inventory() -> dict[str, int]:
    """Counts everything, which takes a while."""
    await asyncio.sleep(2)
    return {"items": 3}
