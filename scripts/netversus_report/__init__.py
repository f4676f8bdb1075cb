# SPDX-License-Identifier: MIT
"""From a result directory to charts and a report.

load          CSV files and campaign.json -> checked rows
units         numbers -> text and ticks
paths         emulated paths as text -> short names, and numbers for an axis
sweeps        the factor on the axis: sizes, rates, or paths
series        rows -> cells, arms, medians with intervals, curves
charts        the one list of charts
figures       a chart of that list and a result -> panels, resolved, that a renderer only draws
  forest        of effects with their intervals
  sweep_charts  against the swept factor; nines and crossing: shares near 1, and who is ahead where
  planes        heat maps: path against deadline, rate or size
  courses       the course of runs around an outage
  callbars      what a message costs in socket calls
  waits         single messages around the longest wait, and where each was
render_*      panels -> gnuplot programs and their pictures, or SVG by matplotlib
tables        the tables of the report
observed      the table of what emulated paths were asked to do, and did
page          everything -> one HTML page

Everything up to figures and render_gnuplot needs nothing but the standard library.
"""
