# SPDX-License-Identifier: MIT
# ctest: tsan
"""Campaigns over loopback in which threads meet in ways of their own: for ThreadSanitizer, too."""

import pytest

from campaign_test import MEETINGS, check_variant


@pytest.mark.parametrize("name", MEETINGS)
def test_variant(name, tmp_path):
    check_variant(name, tmp_path)
