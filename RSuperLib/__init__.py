"""RSuper without Slicer: reports and CTs in, tumour masks that agree with the reports out."""

__version__ = "0.1.0"
