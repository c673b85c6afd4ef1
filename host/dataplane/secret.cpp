#include "host/dataplane/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

#include "host/wire/encoder.hpp"

namespace taskgraph::dataplane {
namespace {

template <std::size_t N>
std::array<unsigned char, N> random_bytes() {
  std::array<unsigned char, N> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(N)) != 1) throw std::runtime_error("OpenSSL gives no random bytes");
  return bytes;
}

}  // namespace

Secret random_secret() {
  return random_bytes<kSecretBytes>();
}
Nonce random_nonce() {
  return random_bytes<kNonceBytes>();
}

Proof prove(const Secret& secret, Side side, const Handshake& handshake) {
  std::string said = "taskgraph data plane 1";
  wire::Encoder out(said);
  out.u8(static_cast<std::uint8_t>(side));
  out.raw(bytes_of(handshake.caller_nonce));
  out.raw(bytes_of(handshake.listener_nonce));
  out.uuid(handshake.caller);
  out.uuid(handshake.listener);
  out.flush();
  Proof proof{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(said.data());
  const unsigned char* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes, said.size(), proof.data(), &size);
  if (made == nullptr || size != proof.size()) throw std::runtime_error("OpenSSL gives no HMAC-SHA256");
  return proof;
}

bool is_equal(const Proof& proof, std::string_view said) {
  return said.size() == proof.size() && CRYPTO_memcmp(proof.data(), said.data(), proof.size()) == 0;
}

void keep_crypto_at_exit() {
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
}

}  // namespace taskgraph::dataplane
