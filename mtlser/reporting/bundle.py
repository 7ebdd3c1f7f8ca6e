"""Plotly's own script, packed for a page that fetches nothing.

The Python package brings the bundle that fits it, so this repository has none. Packed it is 2 MB
of text that the browser inflates after the page has been painted; see
`docs/decisions/0007-report-page.md`.
"""

import base64
import gzip
from functools import lru_cache


@lru_cache(maxsize=1)
def packed() -> str:
    """The script gzipped, as base64 text; the same bytes each time."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return base64.b64encode(gzip.compress(script.encode("utf-8"), 9, mtime=0)).decode("ascii")
