/// The secret that the workers of a job share, and how two of them prove to each other that they have it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "host/core/ids.hpp"

namespace taskgraph::dataplane {

/// OpenSSL frees nothing when exit() is called: a plugin may do that while other threads prove. Before all other uses.
void keep_crypto_at_exit();

inline constexpr std::size_t kSecretBytes = 32;
inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kProofBytes = 32;

/// 256 random bits. Copies are kept as short as they live; it never travels.
using Secret = std::array<unsigned char, kSecretBytes>;
using Nonce = std::array<unsigned char, kNonceBytes>;
using Proof = std::array<unsigned char, kProofBytes>;

/// From the system's generator. Throws std::runtime_error.
Secret random_secret();
Nonce random_nonce();

enum class Side : unsigned char { caller = 'C', listener = 'L' };

/// What both sides of a connection have said in the clear.
struct Handshake {
  core::LifeId caller;
  core::LifeId listener;
  Nonce caller_nonce{};
  Nonce listener_nonce{};
};

/// HMAC-SHA256 (RFC 2104) by OpenSSL over a label, the side that proves, both nonces and both lives. The side is part
/// of it, so that nobody can send a proof back to who made it.
Proof prove(const Secret& secret, Side side, const Handshake& handshake);
/// In a time that does not depend on where they differ.
bool is_equal(const Proof& proof, std::string_view said);

template <std::size_t N>
std::string_view bytes_of(const std::array<unsigned char, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace taskgraph::dataplane
