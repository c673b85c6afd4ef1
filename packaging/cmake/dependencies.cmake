# Debian 12's packages; packaging/install-deps.sh installs them.
find_package(Threads REQUIRED)
# Of Boost only Program_options is linked: statically, so that an installed host needs no Boost.
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS program_options)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_path(RAPIDJSON_INCLUDE_DIR rapidjson/document.h REQUIRED)

add_library(taskgraph_json INTERFACE)
target_include_directories(taskgraph_json SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIR})
