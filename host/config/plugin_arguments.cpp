#include "host/config/plugin_arguments.hpp"

#include <algorithm>

#include "host/config/json_canonical.hpp"
#include "host/config/words.hpp"

namespace taskgraph::config {
namespace {

class Flattener {
 public:
  Flattener(std::string_view pointer, Diagnostics& out) : pointer_(pointer), out_(out) {}

  std::vector<PluginArgument> run(JsonValue args) {
    walk(args, "");
    std::stable_sort(list_.begin(), list_.end(),
                     [](const PluginArgument& a, const PluginArgument& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < list_.size(); ++i) {
      if (list_[i].name != list_[i - 1].name) continue;
      const std::size_t offset = std::max(list_[i].offset, list_[i - 1].offset);
      out_.error(offset, std::string(pointer_),
                 "two arguments are named " + quote(list_[i].name) + " to the plugin; rename one");
    }
    return std::move(list_);
  }

 private:
  // Recursion: at most kJsonDepthMax deep, as the document is. False: a limit was reached, and said so.
  bool walk(JsonValue value, const std::string& name) {
    if (name.size() > kPluginArgumentNameBytesMax) {
      out_.error(value.offset(), std::string(pointer_),
                 "the argument's full name has " + std::to_string(name.size()) + " bytes; at most " +
                     std::to_string(kPluginArgumentNameBytesMax));
      return false;
    }
    const auto child = [&](std::string_view part) {
      return name.empty() ? std::string(part) : name + "." + std::string(part);
    };
    for (const JsonMember& member : value.members()) {
      if (!walk(member.value, child(member.name))) return false;
    }
    std::size_t index = 0;
    for (const JsonValue element : value.elements()) {
      if (!walk(element, child(std::to_string(index++)))) return false;
    }
    return add(value, name);
  }

  bool add(JsonValue value, const std::string& name) {
    if (value.is(JsonKind::null) || value.is(JsonKind::array) || value.is(JsonKind::object)) return true;
    if (list_.size() >= kPluginArgumentsMax) {
      out_.error(
          value.offset(), std::string(pointer_),
          "more than " + std::to_string(kPluginArgumentsMax) + " arguments; put the data into a file of its own");
      return false;
    }
    PluginArgument argument;
    argument.name = name;
    argument.offset = value.offset();
    if (value.is(JsonKind::text)) {
      argument.text = value.text();
    } else {
      argument.text = canonical_json(value);
    }
    if (value.is(JsonKind::boolean)) {
      argument.kind = PluginArgument::Kind::boolean;
      argument.integer = value.boolean() ? 1 : 0;
    } else if (value.is(JsonKind::number)) {
      const auto integer = value.integer();
      argument.kind = integer ? PluginArgument::Kind::integer : PluginArgument::Kind::number;
      argument.integer = integer.value_or(0);
      argument.number = integer ? static_cast<double>(*integer) : value.number();
    }
    list_.push_back(std::move(argument));
    return true;
  }

  std::string_view pointer_;
  Diagnostics& out_;
  std::vector<PluginArgument> list_;
};

}  // namespace

std::vector<PluginArgument> flatten_arguments(JsonValue args, std::string_view pointer, Diagnostics& out) {
  return Flattener(pointer, out).run(args);
}

}  // namespace taskgraph::config
