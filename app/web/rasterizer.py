"""Render the SVG on standard input as a PNG on standard output: `python -I rasterizer.py ZOOM`.

It runs as a subprocess because the renderer holds the interpreter lock while it draws, and so that memory and CPU
time can be limited.
"""

import os
import re
import resource
import sys
from importlib.resources import files

MAX_MEMORY_BYTES = 512 * 1024 * 1024  # ten times what the largest picture takes
MAX_CPU_SECONDS = 5  # of CPU time: the longest chart takes half a second
NICENESS = 10  # requests have priority
# A bundled font: pictures look the same everywhere, and the server needs no fonts.
FONT, FAMILY = files("fontpkg_roboto") / "files" / "Roboto[wdth,wght].ttf", "Roboto"


# Reject images: the renderer would read the file that one names. No chart has any.
IMAGE_ELEMENT = re.compile(r"<(\w+:)?(fe)?image\b", re.IGNORECASE)


def main() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    from resvg_py import svg_to_bytes  # imported after the limits are set

    drawing = sys.stdin.buffer.read().decode()
    if IMAGE_ELEMENT.search(drawing):
        raise SystemExit("A drawing has no images.")
    picture = svg_to_bytes(
        svg_string=drawing,
        zoom=float(sys.argv[1]),
        skip_system_fonts=True,
        font_files=[str(FONT)],
        font_family=FAMILY,
        sans_serif_family=FAMILY,
        serif_family=FAMILY,
    )
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    main()
