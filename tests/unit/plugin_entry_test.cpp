// Steps 3 to 5 of a plugin's check: what its exported symbol says of itself.
#include <cstring>
#include <string>
#include <vector>

#include "host/plugin/entry.hpp"
#include "host/plugin/refusal.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace taskgraph::plugin;

tg_status init(const tg_host_api*, const tg_job*, tg_error*) {
  return TG_OK;
}
tg_status create_task(std::uint64_t, tg_host*, tg_task*, tg_error*) {
  return TG_OK;
}

tg_plugin good() {
  tg_plugin plugin{};
  plugin.magic = TG_PLUGIN_MAGIC;
  plugin.abi_major = TG_ABI_MAJOR;
  plugin.abi_minor = TG_ABI_MINOR;
  plugin.struct_size = sizeof(tg_plugin);
  plugin.name = "good";
  plugin.version = "1";
  plugin.init = init;
  plugin.create_task = create_task;
  return plugin;
}

/// "step: reason", or "" for a plugin that passes.
std::string verdict(const tg_plugin& plugin, const AbiWindow& window = {}) {
  const auto refused = judge_entry(read_entry(&plugin, window), window);
  return refused ? std::to_string(static_cast<int>(refused->step)) + ": " + refused->reason : "";
}

}  // namespace

TEST_CASE("a complete tg_plugin passes", "[plugin][entry]") {
  CHECK(verdict(good()) == "");
}

TEST_CASE("the window of ABI versions is closed at both ends", "[plugin][entry]") {
  constexpr AbiWindow kWindow{{1, 0}, {1, 3}};
  tg_plugin plugin = good();
  const auto with = [&plugin](std::uint16_t major, std::uint16_t minor) -> const tg_plugin& {
    plugin.abi_major = major;
    plugin.abi_minor = minor;
    return plugin;
  };
  CHECK(verdict(with(1, 0), kWindow) == "");
  CHECK(verdict(with(1, 3), kWindow) == "");
  CHECK(verdict(with(1, 4), kWindow) ==
        "5: built for plugin ABI 1.4, this host speaks 1.0 to 1.3; rebuild it with the headers of taskgraph 1.x or run "
        "a newer host");
  CHECK(verdict(with(2, 1), kWindow) ==
        "5: built for plugin ABI 2.1, this host speaks 1.0 to 1.3; rebuild it with the headers of taskgraph 1.x or run "
        "a newer host");
  CHECK(verdict(with(0, 65'535), kWindow) ==
        "5: built for plugin ABI 0.65535, this host speaks 1.0 to 1.3; rebuild it with the headers of taskgraph 1.x");
}

TEST_CASE("a tg_plugin without what every plugin gives is refused by the field's name", "[plugin][entry]") {
  const std::string rest =
      " is NULL; every plugin gives name, version, init and create_task (TASKGRAPH_PLUGIN(...) does)";
  tg_plugin plugin = good();
  plugin.name = nullptr;
  CHECK(verdict(plugin) == "5: its tg_plugin.name" + rest);
  plugin = good();
  plugin.version = nullptr;
  CHECK(verdict(plugin) == "5: its tg_plugin.version" + rest);
  plugin = good();
  plugin.init = nullptr;
  CHECK(verdict(plugin) == "5: its tg_plugin.init" + rest);
  plugin = good();
  plugin.create_task = nullptr;
  CHECK(verdict(plugin) == "5: its tg_plugin.create_task" + rest);
}

TEST_CASE("no byte beyond struct_size is read, and none but the first 16 of another version", "[plugin][entry]") {
  // The copies end where the plugin's own knowledge ends: a sanitizer sees any read beyond.
  const auto facts_of = [](const tg_plugin& plugin, std::size_t bytes) {
    std::vector<unsigned char> copy(bytes);
    std::memcpy(copy.data(), &plugin, bytes);
    return read_entry(copy.data());
  };
  tg_plugin plugin = good();
  plugin.struct_size = 40;
  const EntryFacts small = facts_of(plugin, 40);
  CHECK(small.has_name);
  CHECK(small.has_version);
  CHECK_FALSE(small.has_init);
  CHECK(judge_entry(small)->reason ==
        "its tg_plugin has 40 bytes, plugin ABI 1.0 needs at least 72; set struct_size to sizeof(tg_plugin) and "
        "rebuild it with the "
        "headers of taskgraph 1.x");
  plugin = good();
  plugin.abi_major = 9;
  CHECK(judge_entry(facts_of(plugin, 16))->step == Step::abi);
  plugin = good();
  plugin.magic = 0;
  CHECK(judge_entry(facts_of(plugin, 8))->reason ==
        "its \"taskgraph_plugin\" begins with 0x0000000000000000 (\"........\"), a plugin with 0x313047554c504754 "
        "(\"TGPLUG01\"); define "
        "that symbol by TASKGRAPH_PLUGIN(...) only");
  CHECK(judge_entry(read_entry(nullptr))->step == Step::entry);
}

TEST_CASE("a refusal is one line that names plugin, step and reason", "[plugin][entry]") {
  CHECK(Refusal{Step::abi, "/opt/x/count.so", "too new; rebuild it"}.message() ==
        "plugin /opt/x/count.so refused at step 5 of 6: too new; rebuild it");
  CHECK(one_line(" a\nb\x1b[31m\t") == "a b [31m");
  CHECK(one_line("") == "");
  CHECK(one_line("\n \r") == "");
  CHECK(one_line("abcdef", 3) == "abc...");
  CHECK(one_line("ab\xc3\xa4", 3) == "ab...");  // never half of a character
}

TEST_CASE("hooks of ABI 1.0 are enough for every later host; what is smaller is not read", "[plugin]") {
  tg_task_hooks hooks{};
  hooks.destroy = [](void*) {};
  hooks.struct_size = 80;  // of 1.0, for ever
  CHECK_FALSE(judge_hooks(&hooks).has_value());
  hooks.struct_size = 96;  // of a plugin with newer headers
  CHECK_FALSE(judge_hooks(&hooks).has_value());
  hooks.struct_size = 79;
  CHECK(judge_hooks(&hooks) ==
        "create_task gave tg_task_hooks of 79 bytes, plugin ABI 1.0 has 80; set struct_size to sizeof");
  hooks.struct_size = 80;
  hooks.destroy = nullptr;
  CHECK(judge_hooks(&hooks) ==
        "create_task gave no hook to destroy the task with; tg_task_hooks.destroy may not be NULL");
  CHECK(judge_hooks(nullptr) == "create_task gave no hooks; tg_task.hooks may not be NULL");

  const std::vector<std::uint32_t> cut{8, 0};  // all that there is: what lies behind it is the sanitizer's
  CHECK(judge_hooks(reinterpret_cast<const tg_task_hooks*>(cut.data())) ==
        "create_task gave tg_task_hooks of 8 bytes, plugin ABI 1.0 has 80; set struct_size to sizeof");
}
