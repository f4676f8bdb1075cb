# What a build without a preset gets.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Many small files, and a path per message that crosses most of them.
if(CMAKE_BUILD_TYPE MATCHES "^Rel")
  include(CheckIPOSupported)
  check_ipo_supported(RESULT NV_IPO OUTPUT NV_IPO_WHY LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${NV_IPO})
endif()
