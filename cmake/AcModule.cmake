# ac_module(NAME name [DEPENDS module...] [LIBS library...])
#
# One folder is one module is one static library ac_<name>. Sources are found by their names:
# x.cpp is the library, x_test.cpp goes into the test program <name>_tests, x_fuzz.cpp becomes the
# fuzzer <name>_x_fuzz, x_bench.cpp the benchmark <name>_x_bench. Adding a file needs no edit here.
add_custom_target(fuzzers)  # all of them; `all` leaves them out, since linking them takes its time
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
if(AC_TESTS)
    find_package(GTest REQUIRED)
endif()

add_library(ac_flags INTERFACE)
target_compile_options(ac_flags INTERFACE -Wall -Wextra -Wpedantic -Werror=return-type
    -Wno-missing-field-initializers -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-mismatched-new-delete>)
target_compile_definitions(ac_flags INTERFACE BOOST_ASIO_NO_DEPRECATED
    BOOST_ASIO_DISABLE_BOOST_REGEX BOOST_ASIO_SEPARATE_COMPILATION
    BOOST_BEAST_SEPARATE_COMPILATION)
target_include_directories(ac_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(AC_SANITIZE)
    target_compile_options(ac_flags INTERFACE -fsanitize=${AC_SANITIZE} -fno-sanitize-recover=undefined)
    target_link_options(ac_flags INTERFACE -fsanitize=${AC_SANITIZE})
endif()
if(AC_FUZZ)
    target_compile_options(ac_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# cmake/prelude.h, compiled once (AC_PRECOMPILE). Not CMake's own precompiled headers: those put
# absolute paths where ccache does not see them, and no second checkout would find what the first
# compiled. So the header is compiled like a source, and its object is the precompiled header.
if(AC_PRECOMPILE)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/cmake/prelude.h PROPERTIES LANGUAGE CXX)
    add_library(ac_prelude OBJECT ${CMAKE_SOURCE_DIR}/cmake/prelude.h)
    target_link_libraries(ac_prelude PRIVATE ac_flags fmt::fmt Threads::Threads)
    target_compile_options(ac_prelude PRIVATE "SHELL:-x c++-header")
    set(AC_PRELUDE ${CMAKE_BINARY_DIR}/CMakeFiles/ac_prelude.dir/cmake/prelude.h.o)
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
        # What clang makes names the checkout, so every checkout makes its own, and ccache goes by
        # the sum of what it contains (CCACHE_PCH_EXTSUM, which ./dev exports).
        set_target_properties(ac_prelude PROPERTIES CXX_COMPILER_LAUNCHER "")
        set(AC_PRELUDE_SUM ${AC_PRELUDE}.sum)
        add_custom_command(OUTPUT ${AC_PRELUDE_SUM} DEPENDS ac_prelude ${AC_PRELUDE} VERBATIM
            COMMAND bash -o pipefail -c "\"$1\" -std=c++23 -E -P \"$2\" | sha256sum > \"$3\"" sum
                ${CMAKE_CXX_COMPILER} ${CMAKE_SOURCE_DIR}/cmake/prelude.h ${AC_PRELUDE_SUM})
        add_custom_target(ac_prelude_ready DEPENDS ${AC_PRELUDE_SUM})
        set(AC_PRELUDE_OPTION "SHELL:-include-pch ${AC_PRELUDE}")
    else()
        target_compile_options(ac_flags INTERFACE -fpch-preprocess)
        set(compiled ${AC_PRELUDE})
        set(AC_PRELUDE ${CMAKE_BINARY_DIR}/prelude/prelude.h.gch)
        add_custom_command(OUTPUT ${AC_PRELUDE} DEPENDS ac_prelude ${compiled}
            COMMAND ${CMAKE_COMMAND} -E copy ${compiled} ${AC_PRELUDE}
            COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/cmake/prelude.h
                ${CMAKE_BINARY_DIR}/prelude/prelude.h)
        add_custom_target(ac_prelude_ready DEPENDS ${AC_PRELUDE})
        set(AC_PRELUDE_OPTION "SHELL:-include ${CMAKE_BINARY_DIR}/prelude/prelude.h")
    endif()
endif()

# Only for what links Asio's compiled part: its headers refer to it.
function(ac_precompiled target)
    if(AC_PRECOMPILE AND "${M_NAME};${M_DEPENDS}" MATCHES "async|ac_net")
        target_compile_options(${target} PRIVATE ${AC_PRELUDE_OPTION})
        get_target_property(sources ${target} SOURCES)
        set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${AC_PRELUDE} ${AC_PRELUDE_SUM})
        add_dependencies(${target} ac_prelude_ready)
    endif()
endfunction()

function(ac_module)
    cmake_parse_arguments(M "" "NAME" "DEPENDS;LIBS;TEST_LIBS" ${ARGN})
    file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
    set(tests ${all})
    set(fuzzers ${all})
    set(benches ${all})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
    list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER all EXCLUDE REGEX "(_test|_fuzz|_bench|/testcases/[^/]*|/snapshot/(freeze|freeze_memory|stay|thaw))\\.cpp$")
    list(FILTER all EXCLUDE REGEX "/main(_allocator)?\\.cpp$")

    list(TRANSFORM M_DEPENDS PREPEND ac_)
    if(all)
        add_library(ac_${M_NAME} STATIC ${all})
        ac_precompiled(ac_${M_NAME})
        set(scope PUBLIC)
    else()
        add_library(ac_${M_NAME} INTERFACE)  # headers only
        set(scope INTERFACE)
    endif()
    target_link_libraries(ac_${M_NAME} ${scope} ac_flags ${M_DEPENDS} ${M_LIBS} fmt::fmt Threads::Threads)

    if(AC_TESTS AND tests)
        add_executable(${M_NAME}_tests ${tests})
        ac_precompiled(${M_NAME}_tests)
        target_link_libraries(${M_NAME}_tests PRIVATE ac_${M_NAME} ${M_TEST_LIBS} GTest::gmock GTest::gtest_main)
        add_test(NAME unit.${M_NAME} COMMAND ${M_NAME}_tests)
        set_tests_properties(unit.${M_NAME} PROPERTIES LABELS unit)
    endif()
    if(AC_FUZZ)
        foreach(source ${fuzzers})
            get_filename_component(stem ${source} NAME_WE)
            add_executable(${M_NAME}_${stem} EXCLUDE_FROM_ALL ${source})
            target_link_libraries(${M_NAME}_${stem} PRIVATE ac_${M_NAME})
            target_link_options(${M_NAME}_${stem} PRIVATE -fsanitize=fuzzer)
            add_dependencies(fuzzers ${M_NAME}_${stem})
        endforeach()
    endif()
    if(AC_BENCH)
        foreach(source ${benches})
            get_filename_component(stem ${source} NAME_WE)
            add_executable(${M_NAME}_${stem} ${source})
            target_link_libraries(${M_NAME}_${stem} PRIVATE ac_${M_NAME} benchmark)
        endforeach()
    endif()
endfunction()
