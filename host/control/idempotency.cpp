#include "host/control/idempotency.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "host/core/assert.hpp"

namespace taskgraph::control {

bool is_idempotency_key(std::string_view text) {
  return !text.empty() && text.size() <= kIdempotencyKeyBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

RequestDigest digest_of(std::string_view route, std::string_view body) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free);
  if (context == nullptr) throw std::bad_alloc();
  constexpr char kEnd = '\0';  // no route has one
  RequestDigest digest{};
  const bool done = ::EVP_DigestInit_ex(context.get(), ::EVP_sha256(), nullptr) == 1 &&
                    ::EVP_DigestUpdate(context.get(), route.data(), route.size()) == 1 &&
                    ::EVP_DigestUpdate(context.get(), &kEnd, 1) == 1 &&
                    ::EVP_DigestUpdate(context.get(), body.data(), body.size()) == 1 &&
                    ::EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  TG_ASSERT(done);
  return digest;
}

IdempotencyTable::Known IdempotencyTable::begin(const std::string& key, const RequestDigest& digest, PullNumber pull,
                                                core::Time now) {
  using What = Known::What;
  forget_old(now);
  if (const auto found = entries_.find(key); found != entries_.end()) {
    const Entry& entry = found->second;
    if (entry.digest != digest) return {What::other, 0, nullptr};
    if (!entry.answer.has_value()) return {What::under_way, entry.pull, nullptr};
    return {What::answered, 0, &*entry.answer};
  }
  if (entries_.size() >= limits_.entries_max) {
    if (answered_.empty()) return {What::full, 0, nullptr};
    forget_oldest();
  }
  const auto added = entries_.emplace(key, Entry{digest, pull, std::nullopt, {}}).first;
  bytes_ += cost(key, added->second);
  return {What::nothing, pull, nullptr};
}

void IdempotencyTable::answered(const std::string& key, StoredAnswer answer, core::Time now) {
  const auto found = entries_.find(key);
  TG_ASSERT(found != entries_.end() && !found->second.answer.has_value());
  if (key.size() + answer.body.size() > limits_.bytes_max) return forget(found);
  bytes_ -= cost(key, found->second);
  found->second.answer = std::move(answer);
  found->second.answered_at = now;
  bytes_ += cost(key, found->second);
  answered_.push_back(key);
  while (bytes_ > limits_.bytes_max && !answered_.empty()) forget_oldest();
}

void IdempotencyTable::failed(const std::string& key) {
  const auto found = entries_.find(key);
  TG_ASSERT(found != entries_.end() && !found->second.answer.has_value());
  forget(found);
}

std::size_t IdempotencyTable::cost(const std::string& key, const Entry& entry) {
  return key.size() + (entry.answer.has_value() ? entry.answer->body.size() : 0);
}

void IdempotencyTable::forget(Entries::iterator entry) {
  bytes_ -= cost(entry->first, entry->second);
  entries_.erase(entry);
}

void IdempotencyTable::forget_oldest() {
  forget(entries_.find(answered_.front()));
  answered_.pop_front();
}

void IdempotencyTable::forget_old(core::Time now) {
  while (!answered_.empty() && now - entries_.at(answered_.front()).answered_at > limits_.age_max) forget_oldest();
}

}  // namespace taskgraph::control
