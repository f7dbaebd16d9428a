"""A service that tells the price of things."""

import getpass

from fastapi import FastAPI

app = FastAPI()


@app.get("/price/{item}")
def price(item: str) -> dict[str, str | int]:
    return {"item": item, "price": len(item), "user": getpass.getuser()}
