/// Why a plugin was refused: the step, the file, both sides and the cure. A value; any thread.
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace taskgraph::plugin {

/// The fixed steps in which a plugin is checked. A refusal names the one that failed, so that "does not load" is never
/// all that a user learns.
enum class Step {
  file = 1,    ///< the file: there, a whole ELF file, for this machine
  loader = 2,  ///< the dynamic loader takes it, and its constructors return
  entry = 3,   ///< it exports `taskgraph_plugin`
  magic = 4,   ///< and that is a tg_plugin
  abi = 5,     ///< of an ABI that this host speaks, complete
  init = 6,    ///< its `init` accepts the job
};
inline constexpr int kSteps = 6;

struct Refusal {
  Step step{};
  std::string path;
  std::string reason;         ///< one line: what is wrong and, after a semicolon, the cure
  bool file_missing = false;  ///< no such file: the host has an exit code of its own for that

  /// "plugin PATH refused at step 5 of 6: REASON"
  std::string message() const;
};

template <typename T>
using Result = boost::system::result<T, Refusal>;

/// Text of a foreign source made fit for one line of a terminal: control characters become blanks, blanks at the ends
/// go, and what exceeds `bytes_max` is cut with "...".
std::string one_line(std::string_view text, std::size_t bytes_max = 1'024);

}  // namespace taskgraph::plugin
