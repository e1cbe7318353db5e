"""How well the lesions of a mask and the findings of a report agree."""

from RSuperLib.agreement.agree import MaskSource, agree
from RSuperLib.agreement.measure import measure_lesions
from RSuperLib.agreement.schema import Agreement, Lesion, Row

__all__ = ["Agreement", "Lesion", "MaskSource", "Row", "agree", "measure_lesions"]
