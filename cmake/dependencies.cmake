# Debian 12 packages only; README.md says why each one is here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
# OpenCV's own package config comes with libopencv-dev, which pulls in every module and their hundreds of packages. Two
# modules are wanted, so they are found by themselves.
find_path(OpenCV_INCLUDE_DIRS opencv2/imgproc.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(module core imgproc)
  find_library(OpenCV_${module}_LIBRARY opencv_${module} REQUIRED)
  add_library(opencv_${module} SHARED IMPORTED)
  set_target_properties(opencv_${module} PROPERTIES
    IMPORTED_LOCATION ${OpenCV_${module}_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${OpenCV_INCLUDE_DIRS})
endforeach()
target_link_libraries(opencv_imgproc INTERFACE opencv_core)
find_package(TBB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
