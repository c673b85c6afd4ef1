/// The methods of a plugin that change nothing, by its own word.
#pragma once

#include <taskgraph/abi.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace taskgraph::plugin {

/// Immutable; any thread.
class ReadOnlyMethods {
 public:
  ReadOnlyMethods() = default;
  /// Without those that no pull can name (core::kMethodBytesMax), and without what is beyond kMethodsMax.
  explicit ReadOnlyMethods(const tg_plugin& plugin);
  explicit ReadOnlyMethods(std::vector<std::string> names) : names_(std::move(names)) {}

  bool contains(std::string_view method) const;
  const std::vector<std::string>& names() const { return names_; }

  static constexpr std::size_t kMethodsMax = 1'024;

 private:
  std::vector<std::string> names_;
};

}  // namespace taskgraph::plugin
