# taskgraph_add_plugin(NAME SOURCES file...)
#
# Adds the MODULE library target NAME, built as NAME.so: C++20, everything hidden but the one exported symbol,
# `taskgraph_plugin`. An undefined symbol is an error when linking, not when a host loads the plugin: add what the plugin
# needs by target_link_libraries(NAME PRIVATE ...). The same function serves TaskGraph's own plugins and the installed
# package.
function(taskgraph_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "taskgraph_add_plugin(${ARGV}): expected taskgraph_add_plugin(NAME SOURCES file...)")
  endif()

  set(version_script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE TaskGraph::plugin-api)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${version_script}")
  target_link_options(${name} PRIVATE "LINKER:--version-script=${version_script}")

  # clang leaves the symbols of a sanitizer's runtime open in a shared object: the executable brings them.
  get_directory_property(link_options LINK_OPTIONS)
  string(CONCAT link_flags "${link_options} ${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}")
  if(NOT (CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND link_flags MATCHES "-fsanitize="))
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
