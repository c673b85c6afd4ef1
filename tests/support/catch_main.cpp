/// main() of a Catch2 test binary.
#define CATCH_CONFIG_RUNNER
#include "tests/support/catch_main.hpp"

#include "tests/support/catch.hpp"

int main(int argc, char** argv) {
  if (taskgraph::tests::other_main != nullptr) {
    if (const auto code = taskgraph::tests::other_main(argc, argv)) return *code;
  }
  return Catch::Session().run(argc, argv);
}
