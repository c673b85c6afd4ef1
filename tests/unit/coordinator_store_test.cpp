#include "host/coordinator/store.hpp"

#include <set>
#include <utility>

#include "tests/support/catch.hpp"

namespace taskgraph::coordinator {
namespace {

using core::DocumentKind;
using core::Key;
using core::Transaction;

const Key kView = Key::of(DocumentKind::view);
const Key kEpoch = Key::of(DocumentKind::epoch);
const Key kOffice = Key::of(DocumentKind::controller);

core::DocumentPtr epoch(std::uint64_t value) {
  return std::make_shared<const core::Document>(core::EpochDocument{core::Epoch{value}});
}
Transaction write(const Key& key, bool bound = false) {
  return {{}, {{key, epoch(0), bound}}};
}

TEST_CASE("compare-and-set: a write counts on the version it has seen", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  CHECK(store.version(kEpoch) == 0);
  const Store::Result created = store.apply(session, {{{kEpoch, 0}}, {{kEpoch, epoch(1), false}}});
  REQUIRE(created.committed);
  REQUIRE(created.versions.size() == 1);
  CHECK(store.version(kEpoch) == created.versions[0]);

  CHECK_FALSE(store.apply(session, {{{kEpoch, 0}}, {{kEpoch, epoch(9), false}}}).committed);
  CHECK_FALSE(store.apply(session, {{{kEpoch, created.versions[0] + 1}}, {{kEpoch, epoch(9), false}}}).committed);
  CHECK(store.apply(session, {{{kEpoch, created.versions[0]}}, {{kEpoch, epoch(2), false}}}).committed);
  REQUIRE(store.read().size() == 1);
  CHECK(std::get<core::EpochDocument>(*store.read()[0].document).epoch == core::Epoch{2});
}

TEST_CASE("a transaction happens as a whole or not at all", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  const Transaction both{{{kEpoch, 0}, {kView, 7}}, {{kEpoch, epoch(1), false}, {kView, epoch(1), false}}};
  const Store::Result result = store.apply(session, both);
  CHECK_FALSE(result.committed);
  CHECK(result.versions.empty());
  CHECK_FALSE(result.worth_a_notice);
  CHECK(store.read().empty());
}

TEST_CASE("versions are never used again, not even after a delete", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  std::set<core::DocumentVersion> seen{0};
  for (int i = 0; i < 3; ++i) {
    const Store::Result result = store.apply(session, {{}, {{kView, epoch(0), false}, {kEpoch, epoch(0), false}}});
    for (const core::DocumentVersion version : result.versions) CHECK(seen.insert(version).second);
    const Store::Result erased = store.apply(session, {{}, {{kView, nullptr, false}}});
    REQUIRE(erased.versions.size() == 1);
    CHECK(erased.versions[0] == 0);
    CHECK(store.version(kView) == 0);
  }
}

TEST_CASE("what is bound to a session vanishes with it, the rest stays", "[coordinator][store]") {
  Store store;
  const SessionId first = store.open_session();
  const SessionId second = store.open_session();
  CHECK(first != second);
  store.apply(first, write(kOffice, true));
  store.apply(first, write(kView));
  store.apply(second, write(Key::host({0, 2}), true));
  CHECK(store.close_session(first));
  CHECK_FALSE(store.has_session(first));
  CHECK(store.version(kOffice) == 0);
  CHECK(store.version(kView) != 0);
  CHECK(store.version(Key::host({0, 2})) != 0);
  CHECK_FALSE(store.close_session(first));
  CHECK(store.open_session() != first);
}

TEST_CASE("a session that has ended cannot bind anything any more", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  CHECK_FALSE(store.close_session(session));  // nothing was bound to it
  CHECK_FALSE(store.apply(session, write(kOffice, true)).committed);
  CHECK_FALSE(store.apply(session, {{}, {{kView, epoch(0), false}, {kOffice, epoch(0), true}}}).committed);
  CHECK(store.read().empty());
}

TEST_CASE("a document belongs to the session that wrote it last", "[coordinator][store]") {
  Store store;
  const SessionId first = store.open_session();
  const SessionId second = store.open_session();
  store.apply(first, write(kOffice, true));
  store.apply(second, write(kOffice, true));
  CHECK_FALSE(store.close_session(first));
  CHECK(store.version(kOffice) != 0);
  CHECK(store.close_session(second));
  CHECK(store.version(kOffice) == 0);
}

TEST_CASE("a change of the epoch alone is worth no notice", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  CHECK_FALSE(store.apply(session, write(kEpoch)).worth_a_notice);
  CHECK(store.apply(session, write(kView)).worth_a_notice);
  CHECK(store.apply(session, {{}, {{kView, nullptr, false}}}).worth_a_notice);
}

TEST_CASE("a read lists all documents by rising key", "[coordinator][store]") {
  Store store;
  const SessionId session = store.open_session();
  store.apply(session, write(kOffice));
  store.apply(session, write(kView));
  store.apply(session, write(Key::shard(1)));
  store.apply(session, write(Key::shard(0)));
  const std::vector<core::Entry> entries = store.read();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].key == kView);
  CHECK(entries[1].key == Key::shard(0));
  CHECK(entries[2].key == Key::shard(1));
  CHECK(entries[3].key == kOffice);
  CHECK(entries[3].version == store.version(kOffice));
}

}  // namespace
}  // namespace taskgraph::coordinator
