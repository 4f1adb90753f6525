"""Configuration of the documentation site. Build it with the command in CONTRIBUTING.md."""

from __future__ import annotations

import sys
from pathlib import Path

# The API reference shows this checkout, even if another version is installed.
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import offramp

project = "Offramp"
author = "the Offramp contributors"
copyright = "the Offramp contributors"
version = release = offramp.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "project_pages", "api_pages", "check_links"]
exclude_patterns = ["_ext", "_static"]
source_suffix = {".md": "markdown"}

# Headings are link targets, so that a wrong `page.md#heading` is a warning.
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]

# Docstrings write names in single back-ticks, as Markdown does.
default_role = "literal"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
add_module_names = False
python_use_unqualified_type_names = True
# A signature names types of other packages and internal types, which have no page here.
nitpick_ignore_regex = [(r"py:.*", r".*")]

# Built without a network: no remote inventories, fonts, or scripts.
html_theme = "furo"
html_title = "Offramp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5563",
        "color-brand-content": "#0b5563",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7fd1de",
        "color-brand-content": "#7fd1de",
    },
}
