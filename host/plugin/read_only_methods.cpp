#include "host/plugin/read_only_methods.hpp"

#include <algorithm>

#include "host/core/frame.hpp"

namespace taskgraph::plugin {

ReadOnlyMethods::ReadOnlyMethods(const tg_plugin& plugin) {
  if (plugin.read_only_methods == nullptr) return;
  for (const char* const* name = plugin.read_only_methods; *name != nullptr && names_.size() < kMethodsMax; ++name) {
    const std::string_view method(*name);
    if (method.size() <= core::kMethodBytesMax) names_.emplace_back(method);
  }
}

bool ReadOnlyMethods::contains(std::string_view method) const {
  return std::find(names_.begin(), names_.end(), method) != names_.end();
}

}  // namespace taskgraph::plugin
