# What every target of this tree is compiled with. Nothing here reaches users of the installed package.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# The layout of an installation: bin/taskgraph-host finds its plugins in ../lib/taskgraph/plugins here, too.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/taskgraph/plugins)
# What is installed is readable by everybody, whatever the umask of the person who builds.
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A second clone in another folder hits what the first one compiled; precompiled headers need the sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_library(taskgraph_options INTERFACE)
target_compile_options(taskgraph_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
  # g++ 12 takes moves of std::variant for reads of uninitialised memory as soon as it inlines them.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  # At -O3 it takes `"text" + std::string` for an overlapping copy (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
  $<$<BOOL:${TASKGRAPH_WERROR}>:-Werror>)
if(TASKGRAPH_SANITIZE)
  # Sanitizers must cover every object of a process, or they report what is not there.
  add_compile_options(-fsanitize=${TASKGRAPH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${TASKGRAPH_SANITIZE})
  if(TASKGRAPH_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's fences stand beside locks and atomics, which TSan does understand.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(TASKGRAPH_BUILD_FUZZERS)
  # A fuzzer finds its way by the branches that its input takes.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TASKGRAPH_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
