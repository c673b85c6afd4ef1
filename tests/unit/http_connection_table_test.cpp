#include "host/http/connection_table.hpp"

#include "tests/support/catch.hpp"

namespace taskgraph::http {
namespace {

constexpr PeerAddress kA{1};
constexpr PeerAddress kB{2};

class Double final : public Connection {
 public:
  Double(std::int64_t idle_since_s, std::int64_t deadline_s) {
    set_idle_since({core::seconds(idle_since_s).ns});
    set_deadline({core::seconds(deadline_s).ns});
  }
  void end(Ending) override {}
  void take_request() { set_idle_since(core::Time::never()); }
};

std::shared_ptr<Double> add(ConnectionTable& table, const PeerAddress& peer, std::int64_t idle_since_s,
                            std::int64_t deadline_s = 1000) {
  REQUIRE(table.admit(peer).admitted);
  auto connection = std::make_shared<Double>(idle_since_s, deadline_s);
  table.add(peer, connection);
  return connection;
}

TEST_CASE("http connection table: the longest idle gives way, of all or of the peer that has its most", "[http]") {
  ServerLimits limits;
  limits.connections_max = 4;
  limits.connections_per_peer_max = 2;
  ConnectionTable table(limits);
  const auto a5 = add(table, kA, 5);
  const auto a7 = add(table, kA, 7);
  const auto b3 = add(table, kB, 3);

  ConnectionTable::Admission admission = table.admit(kA);
  CHECK(admission.admitted);
  CHECK(admission.evicted == a5);  // b3 is idle for longer, but not of this peer
  const auto a9 = std::make_shared<Double>(9, 1000);
  table.add(kA, a9);
  const auto b8 = add(table, kB, 8);
  CHECK(table.size() == 4);

  admission = table.admit(PeerAddress{3});
  CHECK(admission.evicted == b3);
  CHECK(table.evict_idle() == a7);
  a9->take_request();
  b8->take_request();
  CHECK(table.evict_idle() == nullptr);
  CHECK(table.size() == 2);
  CHECK(table.all().size() == 5);  // those that gave way, too, until they are gone
  table.remove(*a5);
  CHECK(table.size() == 2);
  CHECK(table.all().size() == 4);
}

TEST_CASE("http connection table: refused when nobody is idle", "[http]") {
  ServerLimits limits;
  limits.connections_max = 1;
  ConnectionTable table(limits);
  const auto busy = add(table, kA, 1);
  busy->take_request();
  CHECK_FALSE(table.admit(kB).admitted);
  table.remove(*busy);
  table.remove(*busy);  // it is gone already
  CHECK(table.admit(kB).admitted);
}

TEST_CASE("http connection table: who is overdue", "[http]") {
  const ServerLimits limits;
  ConnectionTable table(limits);
  const auto soon = add(table, kA, 0, 10);
  const auto later = add(table, kA, 0, 20);
  CHECK(table.overdue({core::seconds(10).ns - 1}).empty());
  CHECK(table.overdue({core::seconds(10).ns}) == std::vector<std::shared_ptr<Connection>>{soon});
  CHECK(table.overdue({core::seconds(20).ns}).size() == 2);
  CHECK(table.all().size() == 2);
}

}  // namespace
}  // namespace taskgraph::http
