"""Why gates are missed, for the section "What is not won" of docs/performance.md: {row of that page: the reason}.

performance.py marks a row that is missed and has no reason here. A reason may stay while its row is met: some rows are met on one
machine and not on the next.
"""

REASONS = {
}
