"""A bundle as one HTML page: its graph as a picture, its layers, weights and what training needs.

`groups.py` joins the nodes of a layer, `placing.py` says where each group stands, `picture.py` draws them as SVG,
`statistics.py` describes weights, `details.py` and `page.py` write the HTML. Nothing is fetched, and all that a bundle
says is escaped; the page forbids scripts other than its own.
"""

from __future__ import annotations

from .page import page

__all__ = ["page"]
