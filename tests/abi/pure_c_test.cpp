// The plugin in C11, run by a host that shares no code with TaskGraph: what abi.h says is enough.
#include <dlfcn.h>

#include <string>

#include "tests/abi/small_host.hpp"
#include "tests/support/catch.hpp"

namespace {

const tg_plugin& pure_c() {
  static void* const library = ::dlopen(TASKGRAPH_PURE_C_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  static const auto* const plugin = static_cast<const tg_plugin*>(::dlsym(library, TG_PLUGIN_SYMBOL));
  REQUIRE(plugin != nullptr);
  return *plugin;
}

}  // namespace

TEST_CASE("it says what it is", "[abi]") {
  const tg_plugin& plugin = pure_c();
  CHECK(plugin.magic == TG_PLUGIN_MAGIC);
  CHECK(plugin.abi_major == TG_ABI_MAJOR);
  CHECK(plugin.abi_minor == TG_ABI_MINOR);
  CHECK(plugin.struct_size == sizeof(tg_plugin));
  CHECK(plugin.name == std::string("pure_c"));
  CHECK(plugin.read_only_methods[0] == std::string("sum"));
  CHECK(plugin.read_only_methods[1] == nullptr);
}

TEST_CASE("its job ends with the right sum, however the pulls are answered", "[abi]") {
  for (const char* method : {"sum", "later", "twice"}) {
    for (const std::uint64_t tasks : {1U, 2U, 3U, 7U}) {
      INFO(method << " on " << tasks << " tasks");
      SmallHost host(pure_c(), tasks, {{"epochs", "3"}, {"method", method}});
      REQUIRE(host.init() == "");
      host.run();
      CHECK(host.failures.empty());
      CHECK(host.result == "{\"epochs\": 3, \"sum\": " + std::to_string(tasks * (tasks - 1) / 2) + "}");
      CHECK(host.epoch == 2);
      CHECK(host.bodies_open == 0);
      CHECK((host.answers_too_many > 0) == (method == std::string("twice") && tasks > 1));
    }
  }
}

TEST_CASE("it answers an unknown method by an error, and each pull once", "[abi]") {
  SmallHost host(pure_c(), 3, {{"epochs", "1"}});
  REQUIRE(host.init() == "");
  host.run();
  const Ended unknown = host.pull(1, "nothing");
  CHECK(unknown.calls == 1);
  CHECK(unknown.outcome == TG_OUTCOME_ERROR);
  CHECK(unknown.code == TG_CODE_NO_SUCH_METHOD);
  CHECK(unknown.body == "methods: sum twice later");
  const Ended sum = host.pull(2, "sum");
  CHECK(sum.calls == 1);
  CHECK(sum.outcome == TG_OUTCOME_VALUE);
  CHECK(sum.body.size() == sizeof(std::uint64_t));
  CHECK(host.bodies_open == 0);
}

TEST_CASE("it refuses arguments by its own words", "[abi]") {
  CHECK(SmallHost(pure_c(), 1, {{"epochs", "0"}}).init() == "epochs must be a whole number above 0");
  CHECK(SmallHost(pure_c(), 1, {{"epoch", "3"}}).init() == "unknown argument (known: epochs method)");
  CHECK(SmallHost(pure_c(), 1, {{"method", "7"}}).init() == "method must be a string");
}
