# One room, one target: margrave_<name>, headers found as "<room>/<file>.hpp" from the top.
add_library(margrave_options INTERFACE)
target_compile_features(margrave_options INTERFACE cxx_std_20)
target_include_directories(margrave_options INTERFACE ${PROJECT_SOURCE_DIR})
# spdlog and fmt come as shared Debian libraries; Asio and Beast are compiled once, in infra.
target_compile_definitions(margrave_options INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED SPDLOG_FMT_EXTERNAL)
target_compile_options(margrave_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough
  -fno-omit-frame-pointer -fstack-protector-strong
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wduplicated-branches -Wlogical-op
    -Wno-error=maybe-uninitialized -Wno-error=mismatched-new-delete -Wno-error=tsan
    -Wno-error=stringop-overread -Wno-error=array-bounds>)
if(MARGRAVE_WERROR)
  target_compile_options(margrave_options INTERFACE -Werror)
endif()
if(MARGRAVE_SANITIZE)
  target_compile_options(margrave_options INTERFACE -fsanitize=${MARGRAVE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(margrave_options INTERFACE -fsanitize=${MARGRAVE_SANITIZE})
endif()
if(MARGRAVE_FUZZ)
  target_compile_options(margrave_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(margrave_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  # The same for libraries and programs, or they could not share a precompiled header.
  target_compile_options(margrave_options INTERFACE -fPIE)
  target_link_options(margrave_options INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
target_link_libraries(margrave_options INTERFACE Threads::Threads Boost::headers)

# What nearly every file includes is parsed once. Each room takes the same precompiled header, so its
# flags are those of margrave_options alone.
if(MARGRAVE_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
  add_library(margrave_precompiled STATIC ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(margrave_precompiled PUBLIC margrave_options)
  target_precompile_headers(margrave_precompiled PRIVATE
    <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <set> <span> <string> <string_view>
    <variant> <vector> <boost/multiprecision/cpp_int.hpp> <boost/outcome/basic_result.hpp>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # ccache needs it to see that a precompiled header is the same (its manual, "Precompiled headers").
    target_compile_options(margrave_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  # Tests have one of their own, without optimisation beside the daemon's release: it is their build that takes time.
  if(MARGRAVE_TESTS)
    set(margrave_tests_options $<$<CONFIG:Release>:-O0 -g0 -U_FORTIFY_SOURCE>)
    add_library(margrave_precompiled_tests STATIC ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(margrave_precompiled_tests
      PUBLIC margrave_options GTest::gtest GTest::gmock nlohmann_json::nlohmann_json)
    target_compile_options(margrave_precompiled_tests PRIVATE ${margrave_tests_options})
    set(margrave_tests_headers
      <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <set> <span> <string> <string_view>
      <variant> <vector> <boost/multiprecision/cpp_int.hpp> <boost/outcome/basic_result.hpp>
      <boost/asio/awaitable.hpp> <boost/asio/co_spawn.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/steady_timer.hpp>
      <nlohmann/json.hpp> <gtest/gtest.h> <gmock/gmock.h>)
    target_precompile_headers(margrave_precompiled_tests PRIVATE ${margrave_tests_headers})
  endif()
endif()

function(margrave_reuse_precompiled target)
  if(MARGRAVE_PCH)
    target_precompile_headers(${target} REUSE_FROM margrave_precompiled${ARGN})
    if(ARGN)
      # The tests' header has Asio in it, whose compiled part is in infra.
      target_link_libraries(${target} PRIVATE margrave_infra)
    endif()
  endif()
endfunction()

# margrave_room(core SOURCES a.cpp b.cpp ALONE files PUBLIC libs PRIVATE libs). ALONE are sources that no other one is
# compiled together with, since names of theirs are also those of another file. BATCH says how many at most are, or 8.
function(margrave_room name)
  cmake_parse_arguments(ARG "" "BATCH" "SOURCES;ALONE;PUBLIC;PRIVATE" ${ARGN})
  if(NOT ARG_BATCH)
    set(ARG_BATCH 8)
  endif()
  add_library(margrave_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(margrave_${name} PUBLIC margrave_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  margrave_reuse_precompiled(margrave_${name})
  if(MARGRAVE_UNITY)
    set_target_properties(margrave_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${ARG_BATCH})
    set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# ctest is given two jobs a core. What computes takes the two of one core; what waits for blocks most of the time takes one.
set(margrave_one_core PROCESSORS 2)

# margrave_tests(core SOURCES a_test.cpp LIBS libs): one executable a room, each test known to ctest.
# FIXTURE is a header that most of the sources include: it is precompiled too.
function(margrave_tests name)
  cmake_parse_arguments(ARG "" "TIMEOUT;FIXTURE" "SOURCES;LIBS" ${ARGN})
  if(NOT MARGRAVE_TESTS)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(margrave_${name}_tests ${ARG_SOURCES})
  target_link_libraries(margrave_${name}_tests PRIVATE margrave_${name} ${ARG_LIBS} GTest::gtest_main GTest::gmock)
  target_compile_definitions(margrave_${name}_tests PRIVATE MARGRAVE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(margrave_${name}_tests PRIVATE ${margrave_tests_options})
  if(ARG_FIXTURE AND MARGRAVE_PCH)
    target_precompile_headers(margrave_${name}_tests PRIVATE
      ${margrave_tests_headers} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FIXTURE})
  else()
    margrave_reuse_precompiled(margrave_${name}_tests _tests)
  endif()
  include(GoogleTest)
  gtest_discover_tests(margrave_${name}_tests TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} ${margrave_one_core})
endfunction()

# margrave_fuzz(rlp LIBS libs): libFuzzer target from <name>_fuzz.cpp with its corpus beside it. SOURCES are files of a room
# whose other files, and libraries, it does not need.
function(margrave_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT MARGRAVE_FUZZ)
    return()
  endif()
  list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
  add_executable(margrave_fuzz_${name} ${name}_fuzz.cpp limits.cpp ${ARG_SOURCES})
  target_link_libraries(margrave_fuzz_${name} PRIVATE margrave_core ${ARG_LIBS})
  target_link_options(margrave_fuzz_${name} PRIVATE -fsanitize=fuzzer -Wl,--wrap=LLVMFuzzerTestOneInput)
  if(NOT TARGET fuzz)
    add_custom_target(fuzz)
  endif()
  add_dependencies(fuzz margrave_fuzz_${name})
endfunction()

# margrave_bench(store LIBS libs): Google Benchmark program from <name>_bench.cpp.
function(margrave_bench name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  if(NOT MARGRAVE_BENCH)
    return()
  endif()
  add_executable(margrave_bench_${name} ${name}_bench.cpp)
  target_link_libraries(margrave_bench_${name} PRIVATE ${ARG_LIBS} benchmark::benchmark)
endfunction()
