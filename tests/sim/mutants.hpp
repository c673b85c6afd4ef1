/// The deliberate defects by name.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "host/core/mutant.hpp"

namespace taskgraph::sim {

struct NamedMutant {
  std::string_view name;
  core::Mutant mutant;
};

inline constexpr std::array kMutants = {
    NamedMutant{"skip_term_check", core::Mutant::skip_term_check},
    NamedMutant{"skip_address_check", core::Mutant::skip_address_check},
    NamedMutant{"skip_deduplication", core::Mutant::skip_deduplication},
    NamedMutant{"lose_flag_on_restart", core::Mutant::lose_flag_on_restart},
    NamedMutant{"ignore_epoch", core::Mutant::ignore_epoch},
    NamedMutant{"answer_twice", core::Mutant::answer_twice},
    NamedMutant{"reuse_sequence", core::Mutant::reuse_sequence},
    NamedMutant{"skip_seal", core::Mutant::skip_seal},
    NamedMutant{"acknowledge_before_apply", core::Mutant::acknowledge_before_apply},
    NamedMutant{"seal_by_subset", core::Mutant::seal_by_subset},
    NamedMutant{"forget_adopted_flags", core::Mutant::forget_adopted_flags},
    NamedMutant{"skip_term_compare", core::Mutant::skip_term_compare},
    NamedMutant{"advance_twice", core::Mutant::advance_twice},
    NamedMutant{"reuse_counter", core::Mutant::reuse_counter},
    NamedMutant{"restarted_before_failed", core::Mutant::restarted_before_failed},
    NamedMutant{"finish_twice", core::Mutant::finish_twice},
    NamedMutant{"accept_foreign_job", core::Mutant::accept_foreign_job},
    NamedMutant{"unbounded_parking", core::Mutant::unbounded_parking},
    NamedMutant{"serve_outside_twice", core::Mutant::serve_outside_twice},
    NamedMutant{"skip_identity_check", core::Mutant::skip_identity_check},
    NamedMutant{"skip_proof", core::Mutant::skip_proof},
    NamedMutant{"take_partial_body", core::Mutant::take_partial_body},
    NamedMutant{"reuse_blob", core::Mutant::reuse_blob},
    NamedMutant{"unbounded_queue", core::Mutant::unbounded_queue},
    NamedMutant{"wait_for_ever", core::Mutant::wait_for_ever},
};

inline const NamedMutant* find_mutant(std::string_view name) {
  for (const NamedMutant& mutant : kMutants) {
    if (mutant.name == name) return &mutant;
  }
  return nullptr;
}

inline std::string mutant_names() {
  std::string names;
  for (const NamedMutant& mutant : kMutants) names += (names.empty() ? "" : " ") + std::string(mutant.name);
  return names;
}

}  // namespace taskgraph::sim
