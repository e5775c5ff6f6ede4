"""The synthetic manifest of the scale benchmark."""

import pytest
from manifest_scale import measure, write_rows


@pytest.mark.parametrize("step", ["check", "check again", "plan"])
def test_the_scale_benchmark_loses_no_row(tmp_path, step):
    assert measure(step, write_rows(tmp_path, 70))["rows"] == 70
