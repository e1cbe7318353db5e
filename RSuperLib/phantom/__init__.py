"""CTs of made-up patients, with their truth and a report that is true of them."""

from RSuperLib.phantom.batch import Batch, case_seed, make_batch
from RSuperLib.phantom.case_folder import holds_phantom, write_phantom
from RSuperLib.phantom.make import Phantom, make_phantom
from RSuperLib.phantom.settings import LESION_ORGANS, PhantomSettings

__all__ = [
    "LESION_ORGANS",
    "Batch",
    "Phantom",
    "PhantomSettings",
    "case_seed",
    "holds_phantom",
    "make_batch",
    "make_phantom",
    "write_phantom",
]
