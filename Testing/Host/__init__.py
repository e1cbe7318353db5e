"""A stand-in for the 3D Slicer application, for testing scripted modules on the real slicer-core. See README.md."""
