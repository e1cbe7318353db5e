# Slicer writes RSuperConfig.cmake here, for C++ extensions that depend on this one.
