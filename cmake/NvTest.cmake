# Tests are found by their names; no list to keep. A test says what else CTest must know in one
# line of its own source:
#   /* ctest: tsan serial timeout=300 */          # ctest: release
# tsan: also run under ThreadSanitizer. release: skips itself under sanitizers, so that scripts/test
# runs it in the release build. timing: is disturbed by more than one other beside it, where as many
# run as two a processor. serial: alone on the machine. timeout: seconds.

set(NV_TEST_ENVIRONMENT
  LC_ALL=C
  ASAN_OPTIONS=exitcode=99:detect_leaks=1:strict_string_checks=1
  UBSAN_OPTIONS=exitcode=99:print_stacktrace=1
  TSAN_OPTIONS=exitcode=99:halt_on_error=1:second_deadlock_stack=1:suppressions=${CMAKE_CURRENT_LIST_DIR}/tsan.supp)

# What a test's source asks for.
function(nv_test_wishes source out)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(STRINGS "${source}" wishes REGEX "^(#|/\\*|//) ctest: " LIMIT_COUNT 1)
  set(${out} "${wishes}" PARENT_SCOPE)
endfunction()

# Properties every test has: label and timeout (s) first, then what the test's source asks for.
function(nv_test_properties name source label timeout_s)
  nv_test_wishes("${source}" wishes)
  set(labels ${label})
  set(serial OFF)
  if(wishes MATCHES "[ ]serial")
    set(serial ON)
  endif()
  set(places 1)
  if(wishes MATCHES "[ ]timing")
    cmake_host_system_information(RESULT places QUERY NUMBER_OF_LOGICAL_CORES)
  endif()
  if(wishes MATCHES "[ ]tsan")
    list(APPEND labels tsan)
  endif()
  if(wishes MATCHES "[ ]release")
    list(APPEND labels release)
  endif()
  if(wishes MATCHES "[ ]timeout=([0-9]+)")
    set(timeout_s ${CMAKE_MATCH_1})
  endif()
  math(EXPR cost "${timeout_s} * ${places}") # those that may take long, and much room, go first
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT ${timeout_s} RUN_SERIAL ${serial} PROCESSORS ${places} COST ${cost}
    SKIP_RETURN_CODE 77 ENVIRONMENT "${NV_TEST_ENVIRONMENT}")
endfunction()

# A unit test: src/measure/ordering_test.c becomes the CTest measure_ordering. ARGN: more libraries.
# A build with ThreadSanitizer has those that are to run there, and no others.
function(nv_test source)
  nv_test_wishes("${source}" wishes)
  if(NV_SANITIZE STREQUAL "thread" AND NOT wishes MATCHES "[ ]tsan")
    return()
  endif()
  get_filename_component(directory "${source}" DIRECTORY)
  get_filename_component(folder "${directory}" NAME)
  get_filename_component(stem "${source}" NAME_WE)
  string(REGEX REPLACE "_test$" "" module "${stem}")
  set(target ${folder}_${module}_test)
  add_executable(${target} "${source}")
  target_link_libraries(${target}
    PRIVATE ${ARGN} nv_core PkgConfig::CMOCKA nv_warnings nv_sanitizers)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  add_test(NAME ${folder}_${module} COMMAND ${target})
  nv_test_properties(${folder}_${module} "${source}" unit 120)
endfunction()
