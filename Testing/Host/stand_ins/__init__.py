"""The classes of ctk, qMRML and qSlicer that the host provides, one file a subject."""
