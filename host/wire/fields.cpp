#include "host/wire/fields.hpp"

#include <string>

#include "host/wire/limits.hpp"

namespace taskgraph::wire {

void put_flag(Encoder& out, const core::Flag& flag) {
  out.number(flag.name.origin_term);
  out.varint(flag.name.index);
  out.number(flag.link);
  out.string(flag.meta.view());
}

core::Flag get_flag(Decoder& in) {
  core::Flag flag;
  flag.name.origin_term = in.number<core::Term>("the flag's term");
  flag.name.index = static_cast<std::uint32_t>(in.varint("the flag's index", UINT32_MAX));
  flag.link = in.number<core::LinkIndex>("the flag's link");
  flag.meta = core::Bytes(in.string("the flag's meta", kEagerBytesMax));
  return flag;
}

void put_stored_flag(Encoder& out, const core::StoredFlag& stored) {
  out.number(stored.sender);
  out.number(stored.epoch);
  put_flag(out, stored.flag);
}

core::StoredFlag get_stored_flag(Decoder& in) {
  core::StoredFlag stored;
  stored.sender = in.number<core::TaskId>("the flag's sender");
  stored.epoch = in.number<core::Epoch>("the flag's epoch");
  stored.flag = get_flag(in);
  return stored;
}

std::size_t stored_flag_bytes(const core::StoredFlag& stored) {
  const core::Flag& flag = stored.flag;
  return varint_bytes(stored.sender.value) + varint_bytes(stored.epoch.value) +
         varint_bytes(flag.name.origin_term.value) + varint_bytes(flag.name.index) + varint_bytes(flag.link.value) +
         varint_bytes(flag.meta.size()) + flag.meta.size();
}

void check_version(Decoder& in, std::uint16_t version, std::size_t at_bytes) {
  if (!in.ok() || (version >= kWireVersionOldest && version <= kWireVersion)) return;
  const std::string ours = kWireVersionOldest == kWireVersion
                               ? std::to_string(kWireVersion)
                               : std::to_string(kWireVersionOldest) + " and " + std::to_string(kWireVersion);
  in.fail(WireError::Kind::version,
          "the sender speaks wire version " + std::to_string(version) + ", this host speaks " + ours +
              "; upgrade the older of the two, one release after another",
          at_bytes);
}

}  // namespace taskgraph::wire
