#!/usr/bin/env bash
# Package the extension with Slicer's real CMake macros, without a Slicer build.
#
#   Testing/CMake/package_with_slicer.sh SLICER_SOURCE CTK_SOURCE OUT [cmake options]
#
# SLICER_SOURCE and CTK_SOURCE are checkouts (tag v5.12.3 and the CTK that it names); CMake 3.28 to 3.31 must be on PATH.
# OUT gets a made-up build tree (what only C++ needs is empty in it) and the package OUT/build/*.tar.gz.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
slicer=$(cd "$1" && pwd) ctk=$(cd "$2" && pwd)
mkdir -p "$3" && out=$(cd "$3" && pwd)
shift 3

mkdir -p "$out"/{tree,stub,packages}
cp -r "$slicer/CMake" "$out/"
: >"$out/CMake/SlicerBlockFindQtAndCheckVersion.cmake" # a scripted extension links no Qt
: >"$out/stub/empty.cmake"
printf '%s\n' 'include(ctkFunctionExtractOptimizedLibrary)' 'function(ctkAppLauncherConfigureForExecutable)' 'endfunction()' \
  >"$out/stub/vtkMacroKitPythonWrap.cmake"
for name in CTK CTKAppLauncher ITK PythonQt Qt5 SlicerExecutionModel VTK; do
  mkdir -p "$out/packages/$name"
  echo "set(${name}_FOUND TRUE)" >"$out/packages/$name/${name}Config.cmake"
done
cat >>"$out/packages/SlicerExecutionModel/SlicerExecutionModelConfig.cmake" <<END
set(SlicerExecutionModel_USE_FILE $out/stub/empty.cmake)
set(GenerateCLP_USE_FILE $out/stub/empty.cmake)
END

cmake -DSLICER="$slicer" -DOUT="$out" -P "$here/configure_tree.cmake"
git clone -q "$here/../.." "$out/source" # only what is committed is packaged
cmake -S "$out/source" -B "$out/build" -DSlicer_DIR="$out/tree" -DCTK_CMAKE_DIR="$ctk/CMake" -DCMAKE_MODULE_PATH="$ctk/CMake" \
  -DCMAKE_PREFIX_PATH="$(printf '%s;' "$out"/packages/*)" -DSlicer_SKIP_SET_CMAKE_C_CXX_FLAGS=ON \
  -DSlicer_SKIP_SlicerBlockPlatformCheck=ON -DPYTHONINTERP_FOUND=1 -DPYTHONLIBS_FOUND=1 \
  -DPYTHON_EXECUTABLE="$(command -v python3)" -DPYTHON_LIBRARIES="$out/stub/empty.cmake" "$@"
cmake --build "$out/build"
(cd "$out/build" && cpack -G TGZ)
ls "$out"/build/*.tar.gz
