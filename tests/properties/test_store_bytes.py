"""Equal frames are equal bytes on disk, whatever made them."""

import os
import subprocess
import sys

import polars as pl
import pytest

from plimsoll.store.lake import write_table

CHILD = """
import sys
from pathlib import Path
import polars as pl
from plimsoll.store.lake import write_table

n = 300_000
rows = pl.DataFrame({"k": pl.arange(0, n, eager=True) % 9973, "v": pl.arange(0, n, eager=True) % 17})
lists = rows.group_by("k").agg(pl.col("v").sort().cast(pl.Float64)).sort("k")
wide = rows.with_columns(
    pl.format("item-{}", "k").alias("name"),
    pl.when(pl.col("v") > 3).then(pl.col("v") / 7).alias("ratio"),
    pl.date(2020, 1, 1) + pl.duration(days="v"),
).join(lists.select("k", pl.col("v").list.len().alias("n")), on="k", how="left", maintain_order="left")
print(pl.thread_pool_size(), write_table(lists, Path(sys.argv[1])), write_table(wide, Path(sys.argv[1])))
"""


def test_for_any_number_of_threads(tmp_path):
    seen = set()
    for threads in ("1", "2", "5"):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "x.parquet")]
        environment = {**os.environ, "POLARS_MAX_THREADS": threads}
        answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        used, *digests = answer.stdout.split()
        assert used == threads
        seen.add(tuple(digests))
    assert len(seen) == 1


@pytest.fixture
def frame():
    n = 150_000
    return pl.DataFrame(
        {
            "a": range(n),
            "s": [f"a string too long to be kept inline {i % 5000}" for i in range(n)],
            "x": [None if i % 3 == 0 else i / 7 for i in range(n)],
            "p": [[0.5, 0.5], []] * (n // 2),
        }
    )


@pytest.mark.parametrize(
    "remade",
    [
        lambda f: pl.concat([f[i : i + 7001] for i in range(0, f.height, 7001)], rechunk=False),
        lambda f: f.with_columns(pl.col("a").set_sorted()),
        lambda f: pl.concat([pl.DataFrame([[None]] * 4, schema=f.schema), f])[1:],
        lambda f: f.with_columns(
            pl.when(pl.col("x").is_not_null()).then(pl.col("x").fill_null(9.0)).alias("x")
        ),
        lambda f: f.sample(fraction=1.0, shuffle=True, seed=1).sort("a"),
    ],
    ids=["chunks", "sorted-flag", "mask", "under-the-null", "resorted"],
)
def test_for_any_past_of_the_frame(frame, remade, tmp_path):
    other = remade(frame)
    assert other.equals(frame)
    assert write_table(other, tmp_path / "b.parquet") == write_table(frame, tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pl.read_parquet(tmp_path / "a.parquet").equals(frame)


def test_another_frame_is_other_bytes(frame, tmp_path):
    changed = frame.with_columns(pl.col("x") + pl.when(pl.col("a") == 7).then(1e-12).otherwise(0.0))
    assert write_table(changed, tmp_path / "b.parquet") != write_table(frame, tmp_path / "a.parquet")
