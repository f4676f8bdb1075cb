# SPDX-License-Identifier: MIT
"""From a result directory to charts and a report.

load      CSV files and campaign.json -> checked rows
units     numbers -> text and ticks
series    rows -> cells, arms, medians with intervals, curves
charts    the one list of charts
figures   a chart of that list and a result -> panels, wholly resolved, that a renderer only draws
render_*  panels -> gnuplot programs and their pictures, or SVG by matplotlib
tables    the tables of the report
page      everything -> one HTML page

Everything up to figures and render_gnuplot needs nothing but the standard library.
"""
