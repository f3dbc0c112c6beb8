"""Figures: each function draws given data; ``style.save`` writes SVG and PNG, with the numbers as CSV beside them."""
