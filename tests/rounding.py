"""How measured errors are written down: in steps so coarse that measuring again rarely changes them."""

from __future__ import annotations

import math
from decimal import Decimal


def rounded_up(error: float) -> str:
    """Return an error as the next of 1, 2, 3, 5 times a power of ten: 2.4e-7 -> '3e-7', 0 -> '0'."""
    if error in (0, math.inf):
        return str(error).removesuffix(".0")
    exponent = Decimal(error).adjusted()
    mantissa = Decimal(error).scaleb(-exponent)
    step = next((step for step in (1, 2, 3, 5) if mantissa <= step), None)
    return f"{step}e{exponent}" if step else f"1e{exponent + 1}"
