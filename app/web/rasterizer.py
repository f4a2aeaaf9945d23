"""Draw the SVG on standard input as a PNG on standard output. A program of its own (`python -I rasterizer.py ZOOM`): the
renderer keeps the interpreter while it draws, and nothing that it is given may take more than this of the machine."""

import os
import re
import resource
import sys
from importlib.resources import files

MAX_MEMORY_BYTES = 512 * 1024 * 1024  # bytes: a picture of the most pixels takes a tenth of it
MAX_CPU_SECONDS = 5  # of processor time: the longest chart takes half of one
NICENESS = 10  # answers to others come first
# No font of the machine: a picture has the same letters everywhere, and a server need have none.
FONT, FAMILY = files("fontpkg_roboto") / "files" / "Roboto[wdth,wght].ttf", "Roboto"


# The renderer reads the file that an image names. No chart has one.
IMAGE_ELEMENT = re.compile(r"<(\w+:)?(fe)?image\b", re.IGNORECASE)


def main() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    from resvg_py import svg_to_bytes  # within the bounds

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
