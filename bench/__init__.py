"""Measurements that anybody can repeat: ``make bench``, or ``python -m bench ROW``. Both sides of a ratio are measured in the same run."""
