#include "tests/sim/coordinator.hpp"

namespace taskgraph::sim {

using core::Duration;

SimCoordinator::Fate SimCoordinator::transaction(bool faulty, Random& random, Counters& counters) const {
  const Duration there = random.between_us(50, 800);
  const Duration back = random.between_us(50, 800);
  Fate fate{there, std::nullopt, back};
  if (!faulty) return fate;
  switch (random.below(20)) {
    case 0:
      counters.count(FaultKind::request_lost);
      fate.executes_in.reset();
      break;
    case 1:
      counters.count(FaultKind::reply_lost);
      fate.replies_in.reset();
      break;
    case 2:  // the answer says nothing; it has happened, or not
      counters.count(FaultKind::outcome_unknown);
      fate.unknown_in = random.between_us(900, 20'000);
      fate.replies_in.reset();
      if (random.per_mille(500)) fate.executes_in.reset();
      break;
    case 3:  // or it will
      counters.count(FaultKind::executed_later);
      fate.unknown_in = random.between_us(100, 1'000);
      fate.executes_in = random.between_us(2'000, 3'000'000);
      fate.replies_in.reset();
      break;
    case 4:
      counters.count(FaultKind::coordinator_slow);
      fate.executes_in = random.between_us(10'000, 1'500'000);
      fate.replies_in = random.between_us(10'000, 1'500'000);
      break;
    default:
      break;
  }
  return fate;
}

SimCoordinator::Fate SimCoordinator::read(bool faulty, Random& random, Counters& counters) const {
  const Duration there = random.between_us(50, 500);
  const Duration back = random.between_us(50, 500);
  Fate fate{there, std::nullopt, back};
  if (!faulty) return fate;
  switch (random.below(30)) {
    case 0:
      counters.count(FaultKind::request_lost);
      fate.executes_in.reset();
      break;
    case 1:
      counters.count(FaultKind::read_failed);
      fate.unknown_in = random.between_us(100, 5'000);
      fate.executes_in.reset();
      break;
    case 2:
      counters.count(FaultKind::coordinator_slow);
      fate.replies_in = random.between_us(10'000, 1'500'000);
      break;
    default:
      break;
  }
  return fate;
}

Duration SimCoordinator::notice(bool faulty, Random& random, Counters& counters) const {
  if (faulty && random.per_mille(50)) {
    counters.count(FaultKind::notice_late);
    return random.between_us(10'000, 2'000'000);
  }
  return random.between_us(50, 1'000);
}

}  // namespace taskgraph::sim
