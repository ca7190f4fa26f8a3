"""The moving picture: what folds is the domain, and what unfolds is the network's own output."""

import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinrelu import MissingExtraError, RequestError, build, cli, evaluate_float64, load, save
from sinrelu.certify import DOMAIN
from sinrelu.network import Network
from sinrelu.plots import film, forms
from sinrelu.plots.film import FPS, HOLD, WIDEST, Film, folding_film
from sinrelu.plots.folding import Step, output, steps
from sinrelu.target import Target

PIVOTS = st.lists(st.floats(-10, 10), min_size=1, max_size=4, unique=True).map(np.sort)


@given(PIVOTS, st.lists(st.floats(-20, 20), min_size=2, max_size=20), st.floats(0, math.pi))
def test_paper_does_not_stretch(pivots, points, angle):
    z = np.union1d(points, pivots)
    along, above = Step(pivots).place(z, angle)
    np.testing.assert_allclose(np.hypot(np.diff(along), np.diff(above)), np.diff(z), atol=1e-12)


@given(PIVOTS, st.floats(-20, 20))
def test_a_fold_is_undone_by_turning_back(pivots, point):
    z, step = np.array([point]), Step(pivots)
    assert step.place(z, 0.0)[0] == pytest.approx(z, abs=1e-12)
    flat, height = step.place(z, math.pi)
    assert height == pytest.approx(0, abs=1e-12)
    assert step.folded(z) == pytest.approx(flat)
    slope = step.folded(z + 1e-7) - step.folded(z - 1e-7)
    if np.abs(pivots - point).min() > 1e-6:
        assert (slope < 0) == step.back(z)


@pytest.mark.parametrize("wiring", ["skip", "layered"])
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-4, 1e-12])
def test_all_folds_before_the_last_cell_are_found(wiring, tol):
    network = build(wiring=wiring, tol=tol)
    found = steps(network, DOMAIN)
    folds = network.meta["parameters"].get("folds", 1)  # without gates a quarter wave is left
    assert len(found) == folds + 1  # that at 0 or two of the range; the last cell undoes one
    widths = [np.ptp(DOMAIN)]
    z = np.linspace(*DOMAIN, 10001)
    for step in found:
        z = step.folded(z)
        widths.append(np.ptp(z))
    assert widths[-1] < 0.51 * math.pi
    assert all(after < before for before, after in pairwise(widths))


@pytest.mark.parametrize("wiring", ["skip", "layered"])
def test_with_gates_at_0_the_output_is_one_function_of_what_is_folded(wiring):
    """Mirror images at any pivot have the same output, while the gates of this fold are shut."""
    network = build(wiring=wiring, tol=1e-6)
    shut, x = {}, np.random.default_rng(0).uniform(*DOMAIN, 4000)
    z = x
    for step in steps(network, DOMAIN):
        z = step.folded(z)
        shut |= dict.fromkeys(step.gates, 0.0)
        order = np.argsort(z)
        values, places = output(network, x, shut)[order], z[order]
        assert np.abs(np.diff(values)).max() <= 2 * np.diff(places).max() + 1e-5
    open_again = output(network, x, shut | dict.fromkeys(shut, 1.0))
    np.testing.assert_array_equal(open_again, evaluate_float64(network, x))


def test_nothing_that_the_file_says_is_asked():
    network = build(wiring="skip", tol=1e-4)
    bare = steps(Network(network.rows), DOMAIN)
    assert [step.gates for step in bare] == [step.gates for step in steps(network, DOMAIN)]


def test_the_last_frame_is_the_network_all_over_the_domain():
    network = build(wiring="skip", tol=1e-2)
    frames = list(Film.of(network, Target()).frames())
    last = frames[-1]
    assert (last.along.min(), last.along.max()) == pytest.approx(DOMAIN)
    np.testing.assert_allclose(last.heights, np.sin(last.along), atol=1.001e-2)
    assert "all folds undone" in last.caption
    assert len(frames) == FPS * (2 * 2 + 1) + HOLD
    folding = [frame.caption.split("\n")[0] for frame in frames]
    assert [folding.count(f"fold {k} of 2") for k in (1, 2)] == [FPS, FPS]


def test_everything_stays_in_view():
    """Also where the longer end is turned over the shorter one, as in the first of these folds."""
    for frame in Film.of(build(tol=1e-5), Target()).frames():
        left, right, bottom, top = frame.view
        wide, high = 1e-2 * (right - left), 1e-2 * (top - bottom)
        assert left - wide <= frame.along.min() <= frame.along.max() <= right + wide
        assert bottom - high <= frame.heights.min() <= frame.heights.max() <= top + high


@pytest.mark.parametrize(("end", "rest"), [("1000pi", r"folds \d+ … 1 are"), ("30", "fold 1 is")])
def test_of_a_wide_domain_so_much_is_unfolded_as_can_be_seen(end, rest):
    target = Target.parse("cos", (f"-{end}", end))
    shown = Film.of(build(target, "skip", 1e-3), target)
    last = list(shown.frames())[-1]
    assert np.ptp(last.along) <= WIDEST
    assert re.fullmatch(f"{rest} undone likewise", last.caption)


def test_other_networks_are_refused_with_what_to_do_instead():
    with pytest.raises(RequestError, match="--kind units"):
        folding_film(build("taylor", wiring="skip", tol=1e-1), ".gif")


@pytest.fixture(scope="module")
def gif(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    save(build(wiring="skip", tol=1e-1), folder / "sin.npz")
    drawn = folder / "folding.gif"
    assert cli.run(["plot", f"{folder / 'sin.npz'}", "--kind", "folding", "-o", f"{drawn}"]) == 0
    return drawn


def test_a_gif_is_small_moves_and_is_reproducible(gif):
    content = gif.read_bytes()
    assert len(content) < 2 * 2**20
    image = Image.open(io.BytesIO(content))
    seconds = 0.0
    seen = set()
    for number in range(image.n_frames):
        image.seek(number)
        seconds += image.info["duration"] / 1000
        seen.add(image.convert("RGB").tobytes())
    assert seconds == pytest.approx(2 + 1 + 2 + HOLD / FPS)
    assert len(seen) > 40
    assert folding_film(load(gif.with_name("sin.npz")), ".gif") == content


def refusal(capfd, *arguments):
    status, said = cli.run(["plot", *map(str, arguments)]), capfd.readouterr()
    assert (status, said.out) == (2, "")
    return said.err


def test_suffixes_are_for_their_kinds(gif, capfd):
    file = gif.with_name("sin.npz")
    for kind, name in (("folding", "a.png"), ("error", "a.gif"), ("units", "a.mp4")):
        picture = gif.with_name(name)
        assert name in refusal(capfd, file, "--kind", kind, "-o", picture)
        assert not picture.exists()


def test_without_ffmpeg_an_error_names_the_mend(gif, capfd, monkeypatch):
    monkeypatch.setattr(film.shutil, "which", lambda _: None)
    picture = gif.with_name("b.mp4")
    said = refusal(capfd, gif.with_name("sin.npz"), "--kind", "folding", "-o", picture)
    assert "install it, or write a .gif" in said
    assert not picture.exists()
    with pytest.raises(MissingExtraError, match="ffmpeg"):
        forms.check_suffix(picture)


@pytest.mark.parametrize(("code", "content"), [(0, b"film"), (1, None)])
def test_ffmpeg_is_given_every_frame(tmp_path, monkeypatch, code, content):
    """Whatever is called ffmpeg; what it reads is width × height × 3 bytes a frame."""
    stand_in, read = tmp_path / "ffmpeg", tmp_path / "read"
    stand_in.write_text(f"#!/bin/sh\nwc -c > {read}\nprintf film\necho broken >&2\nexit {code}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(film.shutil, "which", lambda _: f"{stand_in}")
    images = [Image.new("RGB", (64, 36))] * 3
    if content is None:
        with pytest.raises(RequestError, match=r"broken; a \.gif needs no ffmpeg"):
            film._mp4(images)
    else:
        assert film._mp4(images) == content
    assert int(read.read_text()) == 3 * 64 * 36 * 3
