"""Shapes become pixels by one rule; other ways to compute the same agree."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from lookright.data import importers
from lookright.data.drawings import strokes
from lookright.data.drawings.drawing import Drawing, Mark
from lookright.data.drawings.rasterise import cells, rasterise
from lookright.data.drawings.render import render
from lookright.data.drawings.rescaled import rescaled
from lookright.data.drawings.several import RULES, agreement, combine, combine_known
from lookright.data.drawings.shapes import Box, Ellipse, Point, Polygon, Raster, Shape, Stroke
from lookright.errors import DataError

SIZE = (50, 40)  # width, height
CENTRES = np.stack(np.meshgrid(np.arange(50) + 0.5, np.arange(40) + 0.5), -1)


def polygon(*points: tuple[float, float]) -> Polygon:
    return Polygon((np.array(points, float),))


def codes(shape: Shape, size: tuple[int, int] = SIZE) -> list[tuple[str, str]]:
    """Return the level and code of everything that is said about a shape."""
    try:
        return [(each.level, each.code) for each in rasterise(shape, size)[1]]
    except DataError as error:
        return [(each.level, each.code) for each in error.problems]


def nearest(line: np.ndarray) -> np.ndarray:
    """Return each pixel centre's distance from a line, segment by segment."""
    found = np.full(SIZE[::-1], np.inf)
    for start, end in pairwise(line):
        along = end - start
        share = ((CENTRES - start) @ along / max(along @ along, 1e-300)).clip(0, 1)
        away = np.linalg.norm(CENTRES - start - share[..., None] * along, axis=-1)
        found = np.minimum(found, away)
    return found


# -- polygons -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_a_polygon_is_the_pixels_whose_centre_matplotlib_finds_inside(seed):
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 15)))
    radii = random.uniform(3, 40, len(angles))
    points = np.column_stack([25 + radii * np.cos(angles), 20 + radii * np.sin(angles)])
    inside = Outline(points).contains_points(CENTRES.reshape(-1, 2)).reshape(40, 50)
    assert inside.any()
    np.testing.assert_array_equal(cells(Polygon((points,)), SIZE), inside)


@given(
    st.lists(st.tuples(st.integers(-4, 24), st.integers(-4, 24)), min_size=3, max_size=7),
)
@settings(max_examples=150, deadline=None)
def test_the_rule_is_even_odd_and_half_open_with_exact_ties(corners):
    """On a grid of halves most centres are ties; exact fractions decide them."""
    points = np.array(corners) / 2
    try:
        found = cells(Polygon((points,)), (10, 10))
    except DataError:
        return  # flat or outside: tested by name below
    for row in range(10):
        for column in range(10):
            assert found[row, column] == crossings(points, row, column) % 2


def crossings(points: np.ndarray, row: int, column: int) -> int:
    x, y = column + Fraction(1, 2), row + Fraction(1, 2)
    count = 0
    for one, other in zip(points.tolist(), np.roll(points, -1, 0).tolist(), strict=True):
        (x0, y0), (x1, y1) = [[Fraction(value) for value in each] for each in (one, other)]
        if (y0 <= y) != (y1 <= y):
            count += x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x
    return count


def test_areas_that_share_edges_share_no_pixel_and_leave_none_out():
    random = np.random.default_rng(3)
    inner = np.array([random.uniform(10, 40), random.uniform(10, 30)])
    border = np.array(
        [[0, 0], [17.3, 0], [50, 0], [50, 22.5], [50, 40], [9.5, 40], [0, 40], [0, 8]]
    )
    pairs = zip(border, np.roll(border, -1, 0), strict=True)
    parts = [cells(polygon(inner, *pair), SIZE).astype(int) for pair in pairs]
    np.testing.assert_array_equal(sum(parts), 1)


def test_an_outline_may_run_either_way_begin_anywhere_and_be_closed():
    points = np.random.default_rng(4).uniform(0, 40, (9, 2))
    expected = cells(Polygon((points,)), SIZE)
    for other in (points[::-1], np.roll(points, 4, 0), np.vstack([points, points[:1]])):
        np.testing.assert_array_equal(cells(Polygon((other.copy(),)), SIZE), expected)


def test_what_lies_between_two_outlines_is_the_area():
    ring = Polygon((_square(5, 35), _square(10, 20)))
    expected = cells(Box(5, 5, 35, 35), SIZE) & ~cells(Box(10, 10, 20, 20), SIZE)
    np.testing.assert_array_equal(cells(ring, SIZE), expected)
    assert codes(ring) == []


def _square(low: float, high: float) -> np.ndarray:
    return np.array([[low, low], [high, low], [high, high], [low, high]], float)


def test_MK18_a_million_vertices_are_drawn_and_their_area_is_right():
    angles = np.linspace(0, 2 * np.pi, 10**6, endpoint=False)
    radii = 400 + 80 * np.sin(25 * angles)
    points = np.column_stack([500 + radii * np.cos(angles), 500 + radii * np.sin(angles)])
    area = np.pi * (400**2 + 80**2 / 2)
    assert cells(Polygon((points,)), (1000, 1000)).sum() == pytest.approx(area, rel=1e-4)


def test_MK18_what_is_too_intricate_is_refused_before_it_is_drawn():
    zigzag = np.column_stack([np.linspace(0, 9, 50_000), np.arange(50_000) % 2 * 9000.0])
    assert codes(Polygon((zigzag,)), (10, 9000)) == [("error", "SHAPE-LARGE")]
    assert codes(Polygon((np.zeros((4_000_001, 2)),))) == [("error", "SHAPE-LARGE")]


# -- other shapes -------------------------------------------------------------------------------


def test_a_box_over_the_whole_picture_covers_it():
    assert cells(Box(0, 0, 50, 40), SIZE).all()


@pytest.mark.parametrize("angle", [0, 17, 90, 200])
def test_a_turned_box_is_where_turning_back_leads_into_the_upright_one(angle):
    found = cells(Box(10.2, 12.7, 33.1, 24.9, angle), SIZE)
    centre = np.array([(10.2 + 33.1) / 2, (12.7 + 24.9) / 2])
    turned = np.deg2rad(-angle)
    back = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    places = (CENTRES - centre) @ back.T + centre
    inside = (places > [10.2, 12.7]).all(-1) & (places < [33.1, 24.9]).all(-1)
    np.testing.assert_array_equal(found, inside)


def test_clockwise_is_as_people_see_it():
    """A quarter of a right turn brings what points right to pointing down."""
    ellipse = cells(Ellipse(25, 20, 15, 3, angle=45), SIZE)
    assert ellipse[29, 34]
    assert not ellipse[10, 34]


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_an_ellipse_is_a_stretched_and_turned_disc(angle):
    found = cells(Ellipse(24.3, 19.6, 14, 6, angle), SIZE)
    turned = np.deg2rad(angle)
    away = CENTRES - [24.3, 19.6]
    along = away @ [np.cos(turned), np.sin(turned)]
    across = away @ [-np.sin(turned), np.cos(turned)]
    np.testing.assert_array_equal(found, (along / 14) ** 2 + (across / 6) ** 2 <= 1)


def test_a_point_is_its_pixel_or_a_disc():
    assert np.argwhere(cells(Point(7.9, 3.0), SIZE)).tolist() == [[3, 7]]
    assert np.argwhere(cells(Point(50, 40), SIZE)).tolist() == [[39, 49]]
    away = np.linalg.norm(CENTRES - [20.2, 10.4], axis=-1)
    np.testing.assert_array_equal(cells(Point(20.2, 10.4, 6.5), SIZE), away <= 6.5)


@pytest.mark.parametrize("seed", range(30))
def test_a_stroke_is_what_lies_within_half_its_width(seed):
    random = np.random.default_rng(seed)
    line = random.uniform(-5, 45, (random.integers(2, 6), 2))
    line[0] = [25, 20]
    width = random.uniform(2, 9)
    np.testing.assert_array_equal(cells(Stroke(line, width), SIZE), nearest(line) <= width / 2)


@pytest.mark.parametrize("seed", range(20))
def test_the_thinnest_stroke_has_no_gaps(seed):
    """It marks a pixel in every column or every row that it passes, whichever are more."""
    line = np.random.default_rng(seed).uniform(1, 39, (2, 2))
    found = cells(Stroke(line, 0.0), SIZE)
    columns, rows = (np.floor(line.max(0)) - np.floor(line.min(0)) + 1).astype(int)
    steps = np.abs(line[1] - line[0])
    if steps[0] > steps[1]:
        assert found.any(0).sum() == found.sum() == columns
    else:
        assert found.any(1).sum() == found.sum() == rows


def test_a_raster_is_taken_as_it_is_and_cut_at_the_border():
    pixels = np.random.default_rng(0).random((20, 20)) > 0.5
    found = cells(Raster(pixels, left=40, top=-5), SIZE)
    np.testing.assert_array_equal(found[:15, 40:], pixels[5:, :10])
    assert found.sum() == pixels[5:, :10].sum()
    assert codes(Raster(pixels, left=40, top=-5)) == [("warning", "SHAPE-CLIPPED")]


# -- what is wrong ------------------------------------------------------------------------------

NAN, FAR = float("nan"), 1e30


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (polygon((1, 1), (5, 5)), [("error", "SHAPE-VERTICES")]),
        (Polygon(()), [("error", "SHAPE-VERTICES")]),
        (Stroke(np.zeros((0, 2))), [("error", "SHAPE-VERTICES")]),
        (polygon((1, 1), (5, 5), (3, 3)), [("error", "SHAPE-AREA")]),
        (polygon((2, 2), (2, 2), (2, 2)), [("error", "SHAPE-AREA")]),
        (Box(5, 5, 5, 9), [("error", "SHAPE-AREA")]),
        (Box(9, 5, 5, 9), [("error", "SHAPE-AREA")]),
        (Ellipse(9, 9, 0, 3), [("error", "SHAPE-AREA")]),
        (Point(9, 9, -1), [("error", "SHAPE-AREA")]),
        (polygon((1, 1), (5, NAN), (3, 9)), [("error", "SHAPE-NAN")]),
        (Box(1, 1, 4, 4, angle=NAN), [("error", "SHAPE-NAN")]),
        (Point(1, 1, NAN), [("error", "SHAPE-NAN")]),
        (Stroke(np.ones((2, 2)), NAN), [("error", "SHAPE-NAN")]),
        (Ellipse(1, 1, 2, 2, float("inf")), [("error", "SHAPE-NAN")]),
        (Box(0, 0, FAR, 4), [("error", "SHAPE-FAR")]),
        (Box(60, 0, 70, 10), [("error", "SHAPE-OUTSIDE")]),
        (Point(25, -3), [("error", "SHAPE-OUTSIDE")]),
        (Raster(np.ones((3, 3), bool), 60, 0), [("error", "SHAPE-OUTSIDE")]),
        (Box(-9, 0, 10, 10), [("warning", "SHAPE-CLIPPED")]),
        (Box(-0.5, 0, 50.5, 10), []),
        (Box(1.6, 1.6, 2.4, 2.4), [("warning", "SHAPE-SMALL")]),
        (polygon((5, 5), (30, 30), (30, 5), (5, 30)), []),
    ],
    ids=str,
)
def test_MK11_every_shape_that_cannot_be_drawn_is_named(shape, expected):
    assert codes(shape) == expected


def test_MK11_an_outline_that_goes_round_twice_is_said_to_have_a_hole():
    turns = np.deg2rad(np.arange(5) * 144)
    star = np.column_stack([25 + 18 * np.sin(turns), 20 - 18 * np.cos(turns)])
    assert codes(Polygon((star,))) == [("warning", "SHAPE-CROSSED")]
    assert not cells(Polygon((star,)), SIZE)[20, 25]


def test_MK11_all_marks_of_a_drawing_that_are_wrong_are_reported_together():
    marks = [
        Mark(Box(1, 1, 9, 9)),
        Mark(Box(3, 3, 3, 3), "lung"),
        Mark(Point(NAN, 1)),
        Mark(Point(1, 1), weight=2),
    ]
    with pytest.raises(DataError) as caught:
        render(Drawing("a.png", None, tuple(marks), where="b.json: 7"), SIZE)
    found = [(each.code, each.where) for each in caught.value.problems]
    assert found == [
        ("SHAPE-AREA", "b.json: 7, mark 2 (lung)"),
        ("SHAPE-NAN", "b.json: 7, mark 3"),
        ("SHAPE-WEIGHT", "b.json: 7, mark 4"),
    ]


# -- marks on marks -----------------------------------------------------------------------------


def drawn(*marks: Mark, **changes) -> tuple[np.ndarray, np.ndarray | None]:
    rendered = render(Drawing("a.png", None, marks, **changes), (4, 1))
    return rendered.map[0], None if rendered.unknown is None else rendered.unknown[0]


def test_later_marks_lie_on_earlier_ones():
    first, second = Box(0, 0, 3, 1), Box(1, 0, 4, 1)
    assert drawn(Mark(first), Mark(second, role="not_evidence"))[0].tolist() == [1, 0, 0, 0]
    assert drawn(Mark(second, role="not_evidence"), Mark(first))[0].tolist() == [1, 1, 1, 0]
    shown, unknown = drawn(Mark(first), Mark(second, role="unknown"))
    assert (shown.tolist(), unknown.tolist()) == ([1, 0, 0, 0], [False, True, True, True])
    shown, unknown = drawn(Mark(second, role="unknown"), Mark(first, weight=0.5))
    assert (shown.tolist(), unknown.tolist()) == ([0.5, 0.5, 0.5, 0], [False, False, False, True])


def test_of_two_soft_marks_the_stronger_counts():
    weak, strong = Mark(Box(0, 0, 3, 1), weight=0.25), Mark(Box(1, 0, 4, 1), weight=0.75)
    for order in ((weak, strong), (strong, weak)):
        assert drawn(*order)[0].tolist() == [0.25, 0.75, 0.75, 0.75]


def test_where_nobody_scribbled_may_be_unknown():
    shown, unknown = drawn(
        Mark(Point(0.5, 0.5)), Mark(Point(1.5, 0.5), role="not_evidence"), ground="unknown"
    )
    assert (shown.tolist(), unknown.tolist()) == ([1, 0, 0, 0], [False, False, True, True])


def test_a_drawing_without_marks_is_an_empty_map():
    assert not render(Drawing("a.png", None, ()), SIZE).map.any()


@pytest.mark.parametrize(
    "shape",
    [
        polygon((3.3, 4.1), (20.2, 8), (11, 17.7)),
        Box(3.1, 4.2, 20, 15, 20),
        Ellipse(12, 9, 8, 4, 33),
        Point(10, 9, 4.4),
        Stroke(np.array([[2, 3], [20, 15.5]]), 3.2),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_a_drawing_on_another_scale_is_the_shape_on_that_scale(shape):
    """Twice as large and seen at half the size, nothing moves."""
    whole = render(Drawing("a.png", (100, 80), (Mark(rescaled(shape, 2, 2)),)), SIZE)
    np.testing.assert_array_equal(whole.map > 0, cells(shape, SIZE))


def test_a_raster_on_another_scale_keeps_its_blocks():
    pixels = np.random.default_rng(1).random((8, 10)) > 0.5
    large = render(Drawing("a.png", (10, 8), (Mark(Raster(pixels)),)), SIZE).map
    np.testing.assert_array_equal(large > 0, pixels.repeat(5, 0).repeat(5, 1))
    small = render(Drawing("a.png", SIZE, (Mark(Raster(large > 0)),)), (10, 8)).map
    np.testing.assert_array_equal(small > 0, pixels)


# -- several people -----------------------------------------------------------------------------


def test_MK08_rules_for_several_readers_are_what_their_names_say():
    readers = [np.array([each], np.float32) for each in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0])]
    expected = {
        "mean": [1, 2 / 3, 1 / 3, 0],
        "union": [1, 1, 1, 0],
        "majority": [1, 1, 0, 0],
        "intersection": [1, 0, 0, 0],
    }
    for rule, values in expected.items():
        np.testing.assert_allclose(combine(readers, rule)[0], values, atol=1e-7)


def test_MK08_readers_count_by_their_mean_dice_with_the_others():
    readers = [np.array([each], np.float32) for each in ([1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1])]
    # Dice of first and second 2/3, all others 0
    np.testing.assert_allclose(agreement(readers), [1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(combine(readers, "weight")[0], [1, 0.5, 0, 0])


def test_MK08_readers_who_agree_on_nothing_are_all_heard():
    apart = [np.eye(1, 3, place, dtype=np.float32) for place in range(3)]
    np.testing.assert_allclose(combine(apart, "weight"), combine(apart, "mean"))
    empty = [np.zeros((1, 3), np.float32)] * 2
    assert agreement(empty).tolist() == [1, 1]
    assert all(not combine(empty, rule).any() for rule in RULES)


def test_MK08_a_reader_who_does_not_know_has_no_say():
    one, other = (np.array([each], np.float32) for each in ([1, 1, 0], [0, 0, 0]))
    unknown = [None, np.array([[True, False, True]])]
    for rule, expected in (("mean", [1, 0.5, 0]), ("intersection", [1, 0, 0])):
        shown, nobody = combine_known([one, other], unknown, rule)
        assert (shown[0].tolist(), nobody) == (expected, None)
    _, nobody = combine_known([one, other], [np.array([[False, True, True]]), unknown[1]], "mean")
    assert nobody.tolist() == [[False, False, True]]


def test_a_pen_wider_than_any_number_covers_the_picture():
    drawn = strokes.draw(np.array([[1.0, 1.0], [2.0, 2.0]]), 1e200, 5, 4)
    assert drawn.cells.shape == (4, 5)
    assert drawn.cells.all()


def test_a_row_of_strokes_that_cannot_be_read_leaves_no_empty_stroke(tmp_path):
    path = tmp_path / "strokes.csv"
    path.write_text("image,stroke,x,y\na.png,,1,1\nb.png,0,left,2\nc.png,0,3,3\n")
    found = list(importers.make("scribbles", {}).read(path))
    drawings = [each for each in found if isinstance(each, Drawing)]
    assert [(each.image, len(each.marks)) for each in drawings] == [("c.png", 1)]
    assert len(found) == 3
