/// main() of a Catch2 test binary.
#define CATCH_CONFIG_MAIN
#include "tests/support/catch.hpp"
