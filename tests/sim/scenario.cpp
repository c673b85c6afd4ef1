#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/sim/random.hpp"

namespace taskgraph::sim {
namespace {

using namespace core;

void add(std::vector<TaskId>& out, std::uint32_t task) {
  out.push_back(TaskId{task});
}

class Ring final : public Shape {
 public:
  Ring(std::uint32_t count, bool forward) : count_(count), forward_(forward) {}
  void neighbours(TaskId task, Epoch, std::vector<TaskId>& out) const override {
    const std::uint32_t other = (task.value + (forward_ ? 1 : count_ - 1)) % count_;
    if (other != task.value) add(out, other);
  }

 private:
  std::uint32_t count_;
  bool forward_;
};

class Full final : public Shape {
 public:
  explicit Full(std::uint32_t count) : count_(count) {}
  void neighbours(TaskId task, Epoch, std::vector<TaskId>& out) const override {
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (i != task.value) add(out, i);
    }
  }

 private:
  std::uint32_t count_;
};

class BinaryTree final : public Shape {
 public:
  BinaryTree(std::uint32_t count, bool parents) : count_(count), parents_(parents) {}
  void neighbours(TaskId task, Epoch, std::vector<TaskId>& out) const override {
    if (parents_) {
      if (task.value > 0) add(out, (task.value - 1) / 2);
      return;
    }
    for (std::uint32_t child = 2 * task.value + 1; child <= 2 * task.value + 2 && child < count_; ++child)
      add(out, child);
  }

 private:
  std::uint32_t count_;
  bool parents_;
};

/// In epoch e, task k's partner is e - k modulo the number of tasks: everybody has another one in each epoch.
class Rotating final : public Shape {
 public:
  explicit Rotating(std::uint32_t count) : count_(count) {}
  void neighbours(TaskId task, Epoch epoch, std::vector<TaskId>& out) const override {
    const auto place = static_cast<std::uint32_t>(epoch.value % count_);
    const std::uint32_t partner = (place + count_ - task.value) % count_;
    if (partner != task.value) add(out, partner);
  }
  bool differs_per_epoch() const override { return true; }

 private:
  std::uint32_t count_;
};

/// Most seeds have limits that a few messages reach.
dataplane::PlaneLimits make_plane_limits(std::uint64_t message_bytes, Random& random) {
  dataplane::PlaneLimits limits;
  limits.message_bytes_max = message_bytes;
  if (random.per_mille(150)) limits.eager_bytes_max = random.between(0, 31);  // any body is fetched
  if (random.per_mille(300)) limits.queued_bytes_max = random.between(1'000, 6'000);
  if (random.per_mille(300)) limits.fetches_max = random.between(1, 4);
  if (random.per_mille(300)) limits.blobs_bytes_max = random.between(200, 3'000) + 2 * (message_bytes - 64);
  if (random.per_mille(300)) limits.blob_kept = random.between_us(5'000, 400'000);
  return limits;
}

}  // namespace

std::shared_ptr<const Topology> make_topology(const std::string& shape, std::uint32_t tasks) {
  std::vector<Link> links;
  if (shape == "ring") {
    links.push_back({"next", LinkIndex{1}, std::make_shared<Ring>(tasks, true)});
    links.push_back({"prev", LinkIndex{0}, std::make_shared<Ring>(tasks, false)});
  } else if (shape == "tree") {
    links.push_back({"parents", LinkIndex{1}, std::make_shared<BinaryTree>(tasks, true)});
    links.push_back({"children", LinkIndex{0}, std::make_shared<BinaryTree>(tasks, false)});
  } else if (shape == "full") {
    links.push_back({"peers", LinkIndex{0}, std::make_shared<Full>(tasks)});
  } else if (shape == "rotating") {
    links.push_back({"partner", LinkIndex{0}, std::make_shared<Rotating>(tasks)});
  } else {
    return nullptr;
  }
  return std::make_shared<Topology>(tasks, std::move(links));
}

Scenario make_scenario(std::uint64_t seed) {
  Random random(Random::mix(seed) ^ 0x7363656e6172696fULL);
  Scenario scenario{};
  const char* const shapes[] = {"ring", "tree", "full", "rotating"};
  const char* shape = shapes[random.below(4)];
  const std::uint32_t tasks = std::string(shape) == "full" ? random.between(3, 5) : random.between(3, 8);
  JobSpec& spec = scenario.spec;
  spec.name = "sim";
  spec.topology = make_topology(shape, tasks);
  for (std::uint32_t i = 0; i < tasks; ++i) spec.backups.push_back(static_cast<std::uint8_t>(random.below(3)));
  spec.limits.pulls_open = random.between(6, 24);
  spec.limits.serves_open = random.between(8, 32);
  spec.limits.channel_frames = random.between(2, 12);
  spec.limits.flags_per_epoch = 128;
  spec.limits.message_bytes = 64;
  spec.restart.backoff_max = seconds(1);
  spec.failure.lease = milliseconds(500);
  spec.tasks_per_shard = random.between(1, 4);
  scenario.hosts = random.between(2, 4);
  scenario.workers_per_host = random.between(1, 2);
  spec.hosts_min = scenario.hosts;
  scenario.last_epoch = Epoch{random.between(5, 14)};
  scenario.storm = milliseconds(random.between(1'500, 6'000));
  scenario.calm_at = Duration{static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(scenario.storm.ns)))};
  scenario.network_per_mille = random.per_mille(200) ? 0 : random.between(5, 80);
  scenario.fault_every = random.per_mille(50) ? seconds(1'000) : milliseconds(random.between(60, 1'200));
  scenario.ends_in_storm = random.per_mille(300);
  scenario.blame_plugin = random.per_mille(60);
  scenario.outside_every = milliseconds(random.between(10, 150));
  if (scenario.blame_plugin) scenario.fault_every = milliseconds(random.between(60, 250));
  scenario.large_bodies = random.per_mille(20);
  if (scenario.large_bodies) spec.limits.message_bytes = 70'000;
  scenario.plane = make_plane_limits(spec.limits.message_bytes, random);
  return scenario;
}

}  // namespace taskgraph::sim
