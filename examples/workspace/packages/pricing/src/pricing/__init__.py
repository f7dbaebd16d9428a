"""What things cost."""

import json
from importlib import resources

PRICES = json.loads(resources.files(__name__).joinpath("prices.json").read_text())


def total(items: list[str]) -> int:
    """Adds up the prices of things, in cents."""
    return sum(PRICES[item] for item in items)
