"""A moving picture: the domain folds up, one fold a second, then the sine unfolds gate by gate.

While it folds, the height is that of paper. From the last cell on it is what the network computes
of x with the gates at 0 that have not opened yet; it is drawn over x as it is folded then.
"""

from __future__ import annotations

import io
import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context as style_context
from PIL import Image

from sinrelu.arithmetic import BoolArray, FloatArray
from sinrelu.errors import MissingExtraError, RequestError
from sinrelu.network import Network
from sinrelu.plots import style
from sinrelu.plots.folding import Step, output, steps
from sinrelu.plots.style import BLUE, ORANGE
from sinrelu.progress import Progress, ignore
from sinrelu.target import DEFAULT, Target

SUFFIXES = GIF, MP4 = (".gif", ".mp4")
FPS = 10
HOLD = 2 * FPS
"""Frames that the end is shown."""
WIDTH, HEIGHT, DPI, FONT_SIZE = 6.4, 3.6, 100, 10
POINTS, SEED = 3000, 1
INKS = (BLUE, ORANGE)
"""Of what lies still, and of what is being turned."""
WIDEST = 16 * math.pi
"""Waves of more than so long a domain would be a solid block."""
PAPER = 1.5
"""Heights of paper are so many times what is folded, over its length."""
MARGIN = 0.06
LINE, LAYER, THICKEST = 1.6, 0.7, 9.0
"""Points: of a curve, what each fold adds, and at most."""
SHADES = 20
"""Between white and each colour, in the palette of a .gif."""


class View(NamedTuple):
    """What part of the plane is shown: from left to right, from bottom to top."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, along: FloatArray, heights: FloatArray) -> View:
        """Show all of these points."""
        ends = (along.min(), along.max(), heights.min(), heights.max())
        return cls(*map(float, ends))

    def towards(self, other: View, part: float) -> View:
        """Return a view between, sizes on a logarithmic scale."""
        left, right = _between(self[:2], other[:2], part)
        return View(left, right, *_between(self[2:], other[2:], part))


class Frame(NamedTuple):
    """A curve, parts of which are just being turned; its thickness in points, and a caption."""

    along: FloatArray
    heights: FloatArray
    turned: BoolArray
    view: View
    caption: str
    thickness: float = LINE


def folding_film(
    network: Network, suffix: str, target: Target = DEFAULT, progress: Progress = ignore
) -> bytes:
    """Return a moving picture as a file's content, .gif or .mp4.

    Raises RequestError if the network does not fold the target's domain, and MissingExtraError
    for .mp4 without ffmpeg. The same bytes for the same network.
    """
    style.check_domain(target.cover)
    network.require_float64("folding")
    film = Film.of(network, target)
    images = []
    for number, image in enumerate(_drawn(film.frames(), style.headline(network)), start=1):
        images.append(image)
        progress(min(1.0, number / film.length))
    return _gif(images) if suffix.lower() == GIF else _mp4(images)


@dataclass(frozen=True)
class Film:
    """What is shown: steps 1 … n of a network, and points x of the domain after 0 … n of them."""

    network: Network
    target: Target
    steps: Sequence[Step]
    points: Sequence[FloatArray]

    @classmethod
    def of(cls, network: Network, target: Target) -> Film:
        """Find the steps; raises RequestError if there are none."""
        found = steps(network, target.cover)
        x = np.random.default_rng(SEED).uniform(*target.cover, POINTS)
        points = [np.append(x, target.cover)]
        for step in found:
            points.append(step.folded(points[-1]))
        return cls(network, target, found, points)

    @property
    def length(self) -> int:
        """How many frames there are, at most."""
        return FPS * (2 * len(self.steps) + 1) + HOLD

    def frames(self) -> Iterator[Frame]:
        """Yield all frames in order."""
        for number in range(len(self.steps)):
            yield from self._fold(number)
        shown = list(self._rise())
        yield from shown
        left = len(self.steps)
        while left and np.ptp(self.points[left - 1]) <= WIDEST:
            left -= 1
            shown = list(self._unfold(left))
            yield from shown
        done = f"N(x) on {self.target.interval}, all folds undone"
        caption = f"{_folds(left)} undone likewise" if left else done
        at_rest = np.zeros(POINTS + 2, dtype=bool)
        yield from HOLD * [shown[-1]._replace(turned=at_rest, caption=caption)]

    def _fold(self, number: int) -> Iterator[Frame]:
        """Turn what lies beyond the pivots of a step, then come closer to what is left."""
        step, z = self.steps[number], self.points[number]
        grid = np.union1d(np.linspace(z.min(), z.max(), 301), step.pivots)
        whole, folded = (self._paper(points) for points in (z, self.points[number + 1]))
        wide = whole._replace(left=min(whole.left, folded.left))
        thickness = _thickness(number)
        for part in _times(0.7):
            along, above = step.place(grid, math.pi * part)
            heights = above * PAPER / np.ptp(z)
            caption = f"fold {number + 1} of {len(self.steps)}\n{self._size(number)}"
            view = whole.towards(wide, part)
            view = view._replace(left=min(view.left, float(along.min())))
            yield Frame(along, heights, step.back(grid), view, caption, thickness)
        thickness = _thickness(number + 1)
        for part in _times(0.3):
            along, flat = np.sort(self.points[number + 1]), np.zeros(len(z))
            view = wide.towards(folded, part)
            caption = f"fold {number + 1} of {len(self.steps)}\n{self._size(number + 1)}"
            yield Frame(along, flat, flat > 0, view, caption, thickness)

    def _rise(self) -> Iterator[Frame]:
        """Show what the network computes of the last cell."""
        number = len(self.steps)
        paper = self._paper(self.points[number])
        caption = f"the last cell: the output with its gates at 0\n{self._size(number)}"
        curve = self._curve(number, self._gates(number), 0.0, caption)
        for part in _times(1.0):
            thickness = _thickness(number * (1 - part))
            heights = curve.heights * part
            between = paper.towards(curve.view, part)
            low, high = min(between.bottom, heights.min()), max(between.top, heights.max())
            view = View(between.left, between.right, low, high) if part < 1 else curve.view
            yield curve._replace(heights=heights, view=view, thickness=thickness)

    def _unfold(self, number: int) -> Iterator[Frame]:
        """Turn back what a step turned, while its gates open."""
        step, shut = self.steps[number], self._gates(number)
        names = " and ".join(map(str, step.gates))
        how = f"gate {names} opens" if names else "the output is even there, no gate"
        caption = f"fold {number + 1} undone: {how}\n{self._size(number)}"
        before = self._curve(number, shut | dict.fromkeys(step.gates, 0.0), math.pi, caption)
        after = self._curve(number, shut | dict.fromkeys(step.gates, 1.0), 0.0, caption)
        for part in _times(1.0):
            opened = shut | dict.fromkeys(step.gates, part)
            frame = self._curve(number, opened, math.pi * (1 - part), caption)
            view = before.view.towards(after.view, part)
            low, high = min(view.bottom, frame.view.bottom), max(view.top, frame.view.top)
            left, right = min(view.left, frame.view.left), max(view.right, frame.view.right)
            yield frame._replace(view=View(left, right, low, high))

    def _curve(self, number: int, opened: dict[int, float], angle: float, caption: str) -> Frame:
        """Return the output over x folded by so many steps, the next one on the way back."""
        order = np.argsort(self.points[number])
        z, x = self.points[number][order], self.points[0][order]
        heights = output(self.network, x, opened)
        along, turned = z, np.zeros(len(z), dtype=bool)
        if number < len(self.steps):
            step = self.steps[number]
            along, turned = step.place(z, angle)[0], step.back(z)
        ends = (f"{round(float(end), 3) + 0.0:.3f}" for end in (heights.min(), heights.max()))
        reach = f"output from {' to '.join(ends)}".replace("-", "−")
        view = View.around(along, heights)
        return Frame(along, heights, turned, view, f"{caption}, {reach}")

    def _gates(self, number: int) -> dict[int, float]:
        """Hold the gates of the first steps at 0."""
        return {gate: 0.0 for step in self.steps[:number] for gate in step.gates}

    def _paper(self, z: FloatArray) -> View:
        return View(float(z.min()), float(z.max()), -0.1, 1.15)

    def _size(self, number: int) -> str:
        """Say how long x is after so many steps, and in how many layers."""
        layers = math.prod(len(step.pivots) + 1 for step in self.steps[:number])
        size = float(np.ptp(self.points[number]))
        pi = style.in_quarters(self.target.cover)
        many = style.plain(float(f"{size / (math.pi if pi else 1):.3g}"))
        length = f"{many} π".removeprefix("1 ") if pi else many
        return f"{length} long" + (f", up to {style.grouped(layers)} layers" if number else "")


def _between(ends: Sequence[float], others: Sequence[float], part: float) -> tuple[float, float]:
    """Return an interval between two, its length on a logarithmic scale."""
    size, other = (max(high - low, 1e-12) for low, high in (ends, others))
    length = size * (other / size) ** part
    share = part if size == other else (length - size) / (other - size)
    middle = sum(ends) / 2 * (1 - share) + sum(others) / 2 * share
    return middle - length / 2, middle + length / 2


def _folds(last: int) -> str:
    return f"folds {last} … 1 are" if last > 1 else "fold 1 is"


def _thickness(folds: float) -> float:
    return min(THICKEST, LINE + LAYER * folds)


def _times(seconds: float) -> list[float]:
    """Return parts of a motion that begins and ends gently, the last one 1."""
    count = max(1, round(seconds * FPS))
    return [(1 - math.cos(math.pi * k / count)) / 2 for k in range(1, count + 1)]


def _drawn(frames: Iterator[Frame], headline: str) -> Iterator[Image.Image]:
    """Draw all on one figure, which is drawn again and again."""
    size = round(WIDTH * DPI), round(HEIGHT * DPI)
    with style_context(["default", style.STYLE]):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.03, 0.05, 0.94, 0.73))
        axes.set_axis_off()
        figure.text(0.03, 0.935, headline, size=FONT_SIZE)
        caption = figure.text(0.03, 0.915, "", size=FONT_SIZE, color="0.3", va="top")
        still, turned = (axes.plot([], [], color=colour, clip_on=False)[0] for colour in INKS)
        for frame in frames:
            for line, shown in ((still, ~frame.turned), (turned, frame.turned)):
                line.set_data(frame.along, np.where(shown, frame.heights, np.nan))
                line.set(linewidth=frame.thickness, solid_capstyle="round")
            _look_at(axes, frame.view)
            caption.set_text(frame.caption)
            stream = io.BytesIO()
            figure.savefig(stream, format="rgba", dpi=DPI)
            yield Image.frombytes("RGBA", size, stream.getvalue()).convert("RGB")


def _look_at(axes: Axes, view: View) -> None:
    wide, high = (max(b - a, 1e-12) for a, b in (view[:2], view[2:]))
    axes.set_xlim(view.left - MARGIN * wide, view.right + MARGIN * wide)
    axes.set_ylim(view.bottom - MARGIN * high, view.top + MARGIN * high)


def _gif(images: Sequence[Image.Image]) -> bytes:
    """Encode with one palette for all, so that what does not change takes no room."""
    palette = _palette()
    first, *rest = (image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images)
    stream = io.BytesIO()
    look = {"duration": 1000 // FPS, "loop": 0, "optimize": False}
    first.save(stream, "GIF", save_all=True, append_images=rest, **look)
    return stream.getvalue()


def _palette() -> Image.Image:
    inks = [(0, 0, 0), *(tuple(bytes.fromhex(colour[1:])) for colour in INKS)]
    shades = [
        round(255 + (channel - 255) * k / SHADES)
        for ink in inks
        for k in range(SHADES + 1)
        for channel in ink
    ]
    image = Image.new("P", (1, 1))
    image.putpalette(shades)
    return image


def _mp4(images: Sequence[Image.Image]) -> bytes:
    options = (
        f"-f rawvideo -pix_fmt rgb24 -s {images[0].width}x{images[0].height} -r {FPS} -i - "
        "-pix_fmt yuv420p -fflags +bitexact -flags:v +bitexact -threads 1 "
        "-f mp4 -movflags frag_keyframe+empty_moov -"
    )
    command = [ffmpeg(), "-loglevel", "error", *options.split()]
    raw = b"".join(image.tobytes() for image in images)
    done = subprocess.run(command, input=raw, capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RequestError(f"ffmpeg: cannot write .mp4: {''.join(reason)}; a .gif needs no ffmpeg")
    return done.stdout


def ffmpeg(path: Path | str = MP4) -> str:
    """Return where ffmpeg is; a MissingExtraError that names what needs it if it is nowhere."""
    found = shutil.which("ffmpeg")
    if found is None:
        raise MissingExtraError(f"{path}: needs ffmpeg; install it, or write a .gif")
    return found
