#include "host/plugin/loader.hpp"

#include <dlfcn.h>
#include <taskgraph/abi.h>

#include <boost/dll/shared_library.hpp>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "host/plugin/refusal.hpp"

namespace taskgraph::plugin {
namespace {

/// Everything that was loaded, until the process ends. Unloading is never right: threads, thread-locals, atexit
/// handlers and vtables of a plugin may be in use until the last instant, and a plugin's crash behind dlclose has no
/// symbols. Leaked on purpose, so that no destructor at exit closes it either.
std::vector<boost::dll::shared_library>& kept() {
  static auto* const libraries = new std::vector<boost::dll::shared_library>;
  return *libraries;
}

std::string_view cure(std::string_view reason) {
  const auto says = [&](std::string_view words) { return reason.find(words) != std::string_view::npos; };
  if (says("undefined symbol")) {
    return "; link what defines it (taskgraph_add_plugin links with -z defs, so that this is found at build time)";
  }
  if (says("version `")) return "; build it on this system, or on one that is no newer";
  if (says("cannot open shared object file")) return "; install it, or name its folder in LD_LIBRARY_PATH";
  return "";
}

/// dlerror() without the path in front, which every message of ours has already.
std::string loader_reason(const std::filesystem::path& path) {
  const char* const error = ::dlerror();
  std::string_view text = error == nullptr ? "no reason given" : error;
  const std::string prefix = path.string() + ": ";
  if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
  const std::string reason = one_line(text);
  return fmt::format("the loader says: {}{}", reason, cure(reason));
}

}  // namespace

Loaded load_library(const std::filesystem::path& path) {
  boost::dll::shared_library library;
  std::error_code failed;
  try {
    library.load(path, failed, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::exception& e) {
    // Whether a throw comes here or ends the process depends on how the plugin was compiled.
    return {nullptr, fmt::format("one of its constructors threw \"{}\"; {}", one_line(e.what()), kConstructorCure)};
  } catch (...) {
    return {nullptr,
            fmt::format("one of its constructors threw something that is no std::exception; {}", kConstructorCure)};
  }
  if (failed) return {nullptr, loader_reason(path)};
  kept().push_back(std::move(library));
  return {::dlsym(kept().back().native(), TG_PLUGIN_SYMBOL), std::nullopt};
}

}  // namespace taskgraph::plugin
