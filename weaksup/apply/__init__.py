"""Apply labeling functions to a corpus: votes for every row, faults told by name and row."""

from weaksup.apply.faults import Fault
from weaksup.apply.origin import note_lfs
from weaksup.apply.run import Applied, apply_lfs, apply_multi, apply_to_file

__all__ = ["Applied", "Fault", "apply_lfs", "apply_multi", "apply_to_file", "note_lfs"]
