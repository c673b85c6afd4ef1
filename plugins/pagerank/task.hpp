/// A task of the pagerank job: one part of the graph, one iteration for each epoch.
#pragma once

#include <taskgraph/task.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "plugins/pagerank/block_ranks.hpp"
#include "plugins/pagerank/output.hpp"
#include "plugins/pagerank/partition.hpp"
#include "plugins/pagerank/settings.hpp"

namespace taskgraph::pagerank {

/// Of tasks: what passes grows with its square.
inline constexpr std::uint64_t kPartsMax = 1'000;

/// What a task says of its iteration. Passes between tasks as its bytes.
struct Report {
  double step = 0;               ///< its block's part of the L1 distance
  Term term = 0;                 ///< names the life that did it
  std::uint64_t began_anew = 0;  ///< 1: that life took over in this very epoch, at uniform ranks
};

/// In each epoch a task offers its shares (a flag on `peers`), pulls those of all other parts, and iterates. Task 0
/// leads: it pulls everybody's report, and either advances, or gathers the ranks, writes them and finishes.
///
/// Faults. A fresh replica begins at uniform ranks, in the epoch in which all others are; what it needs from them they
/// still serve, for nothing of an iteration is changed before the next epoch. The job has converged only if the steps
/// are small, no life began in this epoch (so all parts have seen the same vector), and the ranks gathered come from
/// the lives that reported; else it just goes on.
class PagerankTask final : public Task {
 public:
  /// `settings` outlives the task.
  PagerankTask(Host host, const Settings& settings, std::shared_ptr<const Partition> partition);

  void enter_epoch(Epoch epoch) override;
  void flag_raised(TaskId from, std::string_view link, std::string_view meta) override;
  /// Methods: `shares`; `report` and `ranks`, which wait until the iteration is done.
  void serve(Pull pull) override;

 private:
  /// What task 0 holds of one epoch.
  struct Lead {
    std::vector<std::optional<Report>> reports;
    std::size_t reports_missing = 0;
    bool gathering = false;
    std::size_t blocks_missing = 0;
    std::vector<double> ranks;
    Summary summary;
  };

  bool is_leader() const { return index_ == 0; }
  bool is_last_iteration() const { return epoch_ + 1 >= settings_.iterations_max; }
  void iterate();
  void answer(Pull& pull, bool wants_ranks);

  // The leader's.
  void take_report(std::size_t part, const Report& report);
  void decide();
  void gather();
  void gather_from(std::size_t part, Term term);
  void take_block(std::size_t part, std::string_view bytes);
  void other_life(std::size_t part);
  void finish();

  struct Waiting {
    Pull pull;
    bool wants_ranks;
  };

  const Settings& settings_;
  const std::shared_ptr<const Partition> partition_;
  const std::size_t index_;
  BlockRanks block_;
  bool is_first_epoch_ = true;

  // Of the current epoch.
  Epoch epoch_ = 0;
  std::vector<bool> asked_;  ///< for shares, by part
  std::size_t shares_missing_ = 0;
  bool began_anew_ = false;
  std::optional<Report> report_;  ///< once the iteration is done
  std::vector<Waiting> waiting_;
  Lead lead_;
};

/// Reads the arguments and, once for all tasks of the process, the graph.
class PagerankBuilder final : public TaskBuilder {
 public:
  explicit PagerankBuilder(const Job& job);
  std::unique_ptr<Task> build(TaskId id, Host host) override;

 private:
  const Settings settings_;
  std::shared_ptr<const Partition> partition_;
};

}  // namespace taskgraph::pagerank
