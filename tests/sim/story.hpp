/// Stories: transcripts of what tasks ask for, what strikes them, and what every task then sees.
///
/// A story file: `# title`, `tasks N SHAPE`, `hosts N`, `backups N`, then steps. A step is a line `command -> what;
/// what`, further lines `-> what; what` belong to it; `what` is `TASK: words` for a hook or a drop, `wire: words` for
/// what happens between two lives, `job: words` for the end, or `(nothing)`. Each task must see exactly these, in this
/// order; the order between tasks is free. `# ...` at the end of a line is a remark.
#pragma once

#include <string>
#include <vector>

namespace taskgraph::sim {

struct StoryResult {
  std::string title;
  std::string problem;  ///< empty: the story went as it is told
};

StoryResult run_story(const std::string& file);
/// The .txt files in a folder, by name.
std::vector<std::string> find_stories(const std::string& folder);

}  // namespace taskgraph::sim
