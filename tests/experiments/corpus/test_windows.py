from __future__ import annotations

import numpy as np

from experiments.corpus import Order, Windows


def test_windows_overlap_in_the_one_token_that_follows() -> None:
    windows = Windows(np.arange(50, dtype=np.uint16), 10)
    assert len(windows) == 4
    assert windows.take(np.array([0, 3])).tolist() == [list(range(11)), list(range(30, 41))]
    assert windows.take(np.array([0])).dtype == np.int64
    assert windows.spread(2).tolist() == [0, 3]
    assert windows.spread(99).tolist() == [0, 1, 2, 3]


def test_an_epoch_meets_every_window_once_whatever_was_asked_before() -> None:
    order = Order(10, seed=3)
    met = np.concatenate([order.batch(step, 4) for step in range(5)])
    assert sorted(met[:10]) == sorted(met[10:]) == list(range(10))
    assert not np.array_equal(met[:10], met[10:])
    assert np.array_equal(Order(10, seed=3).batch(2, 4), met[8:12])
    assert not np.array_equal(Order(10, seed=4).batch(2, 4), met[8:12])
