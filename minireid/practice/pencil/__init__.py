"""Backward passes with pencil and paper: problems in exact fractions, and what a wrong answer means."""
