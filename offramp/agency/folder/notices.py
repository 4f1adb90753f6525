"""Official redisclosure notices of 42 CFR 2.32, by the version that a label names."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "official-1"
# The regulation's own words. The statement of 42 CFR 2.32(a)(2), as amended at 89 FR 12472
# (February 16, 2024), is complete by itself. An agency that prefers the long statement of
# 42 CFR 2.32(a)(1) installs its text with `notice_file`.
OFFICIAL: Mapping[str, str] = {
    DEFAULT: "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
}
