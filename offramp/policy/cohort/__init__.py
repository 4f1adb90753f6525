"""Cohorts: how rules treat the rows of a file, with what isn't known kept apart.

A cohort is a file of past cases, such as arrests. It is read through a map, its rows are answered
over every completion of what they don't say, and its tables hide small counts.
"""
