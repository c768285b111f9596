import re
from typing import Any

import numpy as np
import pytest

from planner import charts
from planner.charts import INK

plotly = pytest.importorskip("plotly")

UNIT = "nats/token"
PARAMS, TOKENS = np.geomspace(1e8, 1e10, 24), np.geomspace(4e11, 2e9, 24)
FLOPS = 6 * PARAMS * TOKENS


def loss_of(params: Any, tokens: Any) -> Any:
    return 1.8 + 480 / params**0.35 + 2000 / tokens**0.37


LOSS = loss_of(PARAMS, TOKENS)
MEASURED = LOSS * (1 + 0.01 * np.sin(np.arange(24)))


def fitted(**more: Any) -> Any:
    return charts.fit_figure(FLOPS, MEASURED, LOSS, UNIT, **more)


def isoflop(edge: bool = False) -> Any:
    curves = np.tile(np.geomspace(5e7, 2e10, 30), (2, 1))
    return charts.isoflop_figure(
        params=PARAMS,
        loss=MEASURED,
        level=np.repeat([0, 1], 12),
        flops=np.array([1e19, 3e20]),
        curve_params=curves,
        curve_loss=loss_of(curves, np.array([[1e19], [3e20]]) / 6 / curves),
        vertex_params=np.array([np.nan if edge else 4e8, 2e9]),
        vertex_loss=np.array([np.nan if edge else 3.1, 2.5]),
        loss_unit=UNIT,
    )


def contours(budget: tuple[float, float] | None = None) -> Any:
    best = np.geomspace(1e8, 1e11, 20)
    return charts.contours_figure(
        params=np.geomspace(5e7, 2e11, 40),
        tokens=np.geomspace(1e9, 4e12, 50),
        loss=loss_of(np.geomspace(5e7, 2e11, 40), np.geomspace(1e9, 4e12, 50)[:, None]),
        best=(best, 20 * best),
        between=(best / 1.5, best * 1.7),
        runs=(PARAMS, TOKENS, MEASURED),
        loss_unit=UNIT,
        budget=budget,
    )


def fan(*, tested: bool = True) -> Any:
    flops = np.geomspace(1e18, 1e24, 20)
    loss = 1.8 + 100 * flops**-0.1
    came = np.array([0.99, 1.0, 1.06])
    held_out = (np.array([1e20, 2e20, 4e20]), came, np.full(3, 0.97), np.full(3, 1.03))
    return charts.fan_figure(
        flops=flops,
        loss=loss,
        half=(0.99 * loss, 1.01 * loss),
        most=(0.97 * loss, 1.03 * loss),
        runs=(FLOPS, MEASURED),
        fitted_to=4e20,
        loss_unit=UNIT,
        held_out=held_out if tested else None,
    )


def posterior() -> Any:
    rng = np.random.default_rng(0)
    draws = {"alpha": rng.normal(0.35, 0.02, 500), "A": np.exp(rng.normal(6, 0.3, 500)), "k": rng.normal(0.7, 0.1, 500)}
    return charts.posterior_figure(draws=draws, central={"alpha": 0.35, "A": 403.4, "k": 0.7})


def calibration(runs: int = 50) -> Any:
    levels = np.array([0.5, 0.8, 0.9])
    return charts.calibration_figure(levels=levels, shares=np.array([0.52, 0.76, 0.9]), runs=runs)


def valley() -> Any:
    loss = loss_of(PARAMS, 1e21 / 6 / PARAMS)
    return charts.valley_figure(
        params=PARAMS,
        loss=loss,
        low=0.98 * loss,
        high=1.02 * loss,
        best=(1.8e9, float(loss.min())),
        near=(9e8, 4e9),
        share=0.005,
        loss_unit=UNIT,
    )


def frontier() -> Any:
    flops = np.geomspace(1e18, 1e24, 20)
    loss = 1.8 + 100 * flops**-0.1
    return charts.frontier_figure(
        flops=flops, loss=loss, low=0.97 * loss, high=1.03 * loss, chosen=(1e22, 2.4), fitted_to=1e21, loss_unit=UNIT
    )


def bars() -> Any:
    return charts.waterfall_figure(["Rent", "Data"], [2e5, 5e4], total=("The whole bill", 2.5e5, 1e5, 4e5))


DRAWN = {
    "fit": lambda: fitted(params=PARAMS, outliers={3: "run 3"}),
    "plain fit": fitted,
    "isoflop": isoflop,
    "contours": lambda: contours((1e10, 2e11)),
    "fan": fan,
    "plain fan": lambda: fan(tested=False),
    "posterior": posterior,
    "calibration": calibration,
    "valley": valley,
    "frontier": frontier,
    "bars": bars,
}


def named(figure: Any, name: str) -> Any:
    (trace,) = [trace for trace in figure.data if trace.name == name and trace.showlegend is not False]
    return trace


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_see_through_and_needs_no_network(name: str) -> None:
    figure = DRAWN[name]()
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert not re.search(r"https?://[^\"]*\.(js|css)", charts.offline_html(figure, first=False))


@pytest.mark.parametrize("name", DRAWN)
def test_words_are_readable_on_white_and_on_near_black(name: str) -> None:
    colour = DRAWN[name]().layout.font.color
    for background in ("#ffffff", "#0e1117"):
        assert contrast(colour, background) > 4


def contrast(one: str, other: str) -> float:
    """Of two colours, by the Web Content Accessibility Guidelines 2.1."""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    shares = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", [name for name in DRAWN if name not in ("bars", "posterior", "calibration")])
def test_axes_say_their_units(name: str) -> None:
    figure = DRAWN[name]()
    axes = [figure.layout[key].title.text for key in figure.to_dict()["layout"] if re.fullmatch(r"[xy]axis\d*", key)]
    assert any(text in ("Parameters", "Tokens") or "(FLOPs)" in text for text in axes if text)
    assert name == "contours" or f"Loss ({UNIT})" in axes


@pytest.mark.parametrize("name", DRAWN)
def test_a_phone_has_room_for_the_labels_of_every_logarithmic_axis(name: str) -> None:
    figure = charts.on_page(DRAWN[name]())
    for key, axis in figure.to_dict()["layout"].items():
        if re.fullmatch(r"xaxis\d*", key) and axis.get("type") == "log":
            assert "tickvals" not in axis or 1 <= len(axis["tickvals"]) <= 6
            assert "tickvals" in axis or axis["dtick"] >= 1


def test_a_log_axis_of_many_decades_skips_some() -> None:
    flops = np.geomspace(1e12, 1e30, 20)
    figure = charts.fit_figure(flops, np.full(20, 2.0), np.full(20, 2.1), UNIT)
    assert figure.layout.xaxis.dtick == 3


def test_residuals_lie_where_measured_is_above_fitted() -> None:
    lower = [trace for trace in fitted().data if trace.yaxis == "y2"]
    assert np.allclose(lower[-1].y, MEASURED / LOSS - 1)


def test_outliers_are_ringed_in_both_panels_and_named() -> None:
    rings = [trace for trace in fitted(outliers={3: "run 3", 7: "run 7"}).data if trace.name == "Outlier"]
    assert [ring.yaxis for ring in rings] == ["y", "y2"]
    assert all(list(ring.x) == [FLOPS[3], FLOPS[7]] for ring in rings)
    assert list(rings[0].hovertext) == ["run 3", "run 7"]


def test_sizes_colour_the_runs_on_one_scale() -> None:
    figure = fitted(params=PARAMS)
    coloured = [trace for trace in figure.data if trace.marker.coloraxis == "coloraxis"]
    assert len(coloured) == 2
    assert figure.layout.coloraxis.cmin == pytest.approx(8.0)
    assert "1.00B" in figure.layout.coloraxis.colorbar.ticktext


def test_hovering_tells_the_run_in_plain_units() -> None:
    told = fitted(params=PARAMS).data[0].hovertext[0]
    assert told.startswith("100M params<br>2.40e20 FLOPs<br>measured ")
    assert told.endswith(UNIT)


def test_a_million_runs_are_thinned_to_what_a_browser_draws() -> None:
    many = np.tile(FLOPS, 50_000)
    figure = charts.fit_figure(many, np.tile(MEASURED, 50_000), np.tile(LOSS, 50_000), UNIT)
    assert max(len(trace.x) for trace in figure.data if trace.x is not None) <= 4000


def test_a_level_without_a_vertex_marks_none() -> None:
    sizes = named(isoflop(edge=True), "Best size").x
    assert np.isnan(sizes[0])
    assert sizes[1] == 2e9


def test_levels_and_their_curves_have_the_colour_of_their_compute() -> None:
    figure = isoflop()
    lines = [trace.line.color for trace in figure.data if trace.name == "The law"]
    assert len(set(lines)) == 2
    ticks = figure.layout.coloraxis.colorbar
    assert list(ticks.ticktext) == [f"{lead}10<sup>{power}</sup>" for power in (19, 20) for lead in ("", "3×")]
    assert 10 ** np.array(ticks.tickvals) == pytest.approx([1e19, 3e19, 1e20, 3e20])


def test_contours_are_few_round_losses() -> None:
    heights = [trace.contours.start for trace in contours().data if trace.type == "contour"]
    assert 5 <= len(heights) <= 9
    assert all(round(height, 2) == pytest.approx(height) for height in heights)


def test_a_budget_is_the_line_of_its_compute_through_its_best_model() -> None:
    line = named(contours((1e10, 2e11)), "Budget")
    assert np.allclose(np.asarray(line.x) * np.asarray(line.y), 2e21)
    assert not [trace for trace in contours().data if trace.name == "Budget"]


def test_the_range_of_the_frontier_spends_the_same_compute_as_the_frontier() -> None:
    area = named(contours(), "90 % range")
    products = np.asarray(area.x) * np.asarray(area.y)
    best = np.geomspace(1e8, 1e11, 20)
    assert np.allclose(products, 20 * np.concatenate([best, best[::-1]]) ** 2)


def test_the_inner_half_lies_inside_the_range() -> None:
    figure = fan()
    assert (np.asarray(named(figure, "50 % range").y) > np.asarray(named(figure, "90 % range").y)).all()


def test_held_out_runs_are_told_apart_by_their_range() -> None:
    figure = fan()
    assert list(named(figure, "Came inside").y) == pytest.approx([-0.01, 0.0])
    outside = named(figure, "Came outside")
    assert list(outside.y) == pytest.approx([0.06])
    assert outside.y[0] - outside.error_y.arrayminus[0] == pytest.approx(-0.03)


def test_a_fan_without_a_back_test_has_one_panel() -> None:
    assert "yaxis2" not in fan(tested=False).to_dict()["layout"]


def test_every_coefficient_has_a_panel_with_its_range() -> None:
    figure = posterior()
    titles = [note.text for note in figure.layout.annotations]
    assert [title.split()[0] for title in titles] == ["alpha", "A", "k"]
    assert figure.layout.xaxis2.type == "log"
    assert figure.layout.xaxis.type != "log"
    lines = [trace for trace in figure.data if trace.fill is None]
    assert [line.x[0] for line in lines] == pytest.approx([0.35, 403.4, 0.7])


def test_coefficients_that_change_sign_or_do_not_vary_are_drawn() -> None:
    draws = {"A": np.random.default_rng(0).normal(0.0, 1.0, 200), "B": np.full(200, 0.35)}
    figure = charts.posterior_figure(draws=draws, central={"A": -0.1, "B": 0.35})
    assert {figure.layout.xaxis.type, figure.layout.xaxis2.type} == {None}
    (line,) = [trace for trace in figure.data if trace.xaxis == "x2"]
    assert list(line.x) == [0.35, 0.35]


def test_more_held_out_runs_narrow_what_honest_intervals_show() -> None:
    assert "50 held-out runs" in calibration().layout.yaxis.title.text
    few, many = (named(calibration(runs), "Honest intervals, 90 % of cases") for runs in (10, 1000))
    at = list(few.x).index(0.5)
    assert few.y[at] < many.y[at] < 0.5
    # 1000 fair tosses: 0.5 less 1.645 standard deviations of 0.0158.
    assert many.y[at] == pytest.approx(0.474, abs=0.004)


def test_the_valley_says_which_sizes_are_nearly_best() -> None:
    figure = valley()
    (area,) = figure.layout.shapes
    assert (area.x0, area.x1) == (9e8, 4e9)
    assert "900M to 4.00B params" in figure.layout.annotations[0].text


def test_the_chosen_plan_stands_out_from_the_frontier() -> None:
    plan, line = named(frontier(), "This plan"), named(frontier(), "Best loss for the compute")
    assert (plan.x[0], plan.y[0]) == (1e22, 2.4)
    assert line.line.color == INK != plan.marker.color
