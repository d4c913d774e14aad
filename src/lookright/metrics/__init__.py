"""What is measured: is it right, does it look right, is the decision robust; one file each.

Arrays in, one value per image out, and NaN where a value is undefined, never 0 or 1. `summary`
turns the table with one row per image into means with counts.
"""
