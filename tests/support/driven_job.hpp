/// What a PluginDriver runs: tasks, links and arguments, as a topology file would give them.
#pragma once

#include <taskgraph/task.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace taskgraph::tests {

struct DrivenLink {
  std::string name;
  std::string inverse;
  std::vector<std::vector<std::uint64_t>> neighbours;  ///< by task
};

/// `plugin.args`.
class DrivenArgs {
 public:
  DrivenArgs& text(std::string name, std::string value) {
    return add(std::move(name), TG_ARG_TEXT, std::move(value), 0, 0);
  }
  DrivenArgs& integer(std::string name, std::int64_t value) {
    return add(std::move(name), TG_ARG_INTEGER, std::to_string(value), value, static_cast<double>(value));
  }
  DrivenArgs& number(std::string name, double value) {
    return add(std::move(name), TG_ARG_NUMBER, std::to_string(value), 0, value);
  }
  std::vector<tg_arg> raw() const {
    std::vector<tg_arg> list;
    for (const Arg& a : args_)
      list.push_back({detail::view(a.name), a.kind, detail::view(a.text), a.integer, a.number});
    return list;
  }

 private:
  struct Arg {
    std::string name;
    tg_arg_kind kind;
    std::string text;
    std::int64_t integer;
    double number;
  };
  DrivenArgs& add(std::string name, tg_arg_kind kind, std::string text, std::int64_t integer, double number) {
    args_.push_back({std::move(name), kind, std::move(text), integer, number});
    return *this;
  }
  std::vector<Arg> args_;
};

struct DrivenJob {
  std::uint64_t task_count = 1;
  std::vector<DrivenLink> links{};
  DrivenArgs args{};
  std::string directory = "/";
};

/// A tree of `count` tasks, each with `arity` children, by the links `parents` and `children`.
inline std::vector<DrivenLink> tree_links(std::uint64_t count, std::uint64_t arity) {
  DrivenLink parents{"parents", "children", std::vector<std::vector<std::uint64_t>>(count)};
  DrivenLink children{"children", "parents", std::vector<std::vector<std::uint64_t>>(count)};
  for (std::uint64_t id = 1; id < count; ++id) {
    parents.neighbours[id].push_back((id - 1) / arity);
    children.neighbours[(id - 1) / arity].push_back(id);
  }
  return {parents, children};
}

}  // namespace taskgraph::tests
