// The C++ side: the same layout as in C, or a plugin and its host would read each other wrongly.
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/abi/layout.h"
#include "tests/support/catch.hpp"

#define CHECK_SIZE(type, bytes) static_assert(sizeof(type) == (bytes) && std::is_trivial_v<type>);
#define CHECK_FIELD(type, field, offset) static_assert(offsetof(type, field) == (offset));
#define CHECK_VALUE(name, number) static_assert((name) == (number));
ABI_SIZES(CHECK_SIZE)
ABI_FIELDS(CHECK_FIELD)
ABI_VALUES(CHECK_VALUE)

TEST_CASE("C and C++ agree on every size, offset and value", "[abi]") {
  const std::vector<abi_fact> facts{ABI_SIZES(ABI_FACT_SIZE) ABI_FIELDS(ABI_FACT_FIELD) ABI_VALUES(ABI_FACT_VALUE)};
  std::size_t seen = 0;
  for (const abi_fact* in_c = abi_facts_in_c; in_c->name != nullptr; ++in_c, ++seen) {
    REQUIRE(seen < facts.size());
    INFO(in_c->name);
    CHECK(in_c->name == std::string(facts[seen].name));
    CHECK(in_c->value == facts[seen].value);
  }
  CHECK(seen == facts.size());
  CHECK(seen > 100);
}

TEST_CASE("the magic reads TGPLUG01 in memory, little-endian", "[abi]") {
  std::string text;
  for (unsigned i = 0; i < 8; ++i) text += static_cast<char>((TG_PLUGIN_MAGIC >> (8 * i)) & 0xffU);
  CHECK(text == "TGPLUG01");
  CHECK(TG_PLUGIN_SYMBOL == std::string("taskgraph_plugin"));
}
