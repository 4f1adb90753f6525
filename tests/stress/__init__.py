"""Fuzzing and failing disks, run by the gate."""
