/// Deliberate defects, one at a time, for tests of the tests: the simulator must catch each (protocol.md section 9).
/// Exists only in builds with TASKGRAPH_MUTANTS; elsewhere every question folds to false.
#pragma once

namespace taskgraph::core {

enum class Mutant {
  none,
  skip_term_check,           ///< a receiver takes frames of any term of their sender
  skip_address_check,        ///< a receiver takes frames meant for another term of its own task
  skip_deduplication,        ///< a frame that was consumed already is consumed again
  lose_flag_on_restart,      ///< flags are not announced again to a neighbour's new primary
  ignore_epoch,              ///< frames of old and later epochs are delivered at once
  answer_twice,              ///< an answered pull can be answered again
  reuse_sequence,            ///< a channel starts its numbers again in the middle
  skip_seal,                 ///< a new primary acts at once
  acknowledge_before_apply,  ///< a life acknowledges a view that its replicas have not applied
  seal_by_subset,            ///< one acknowledgement is enough
  forget_adopted_flags,      ///< flags in acknowledgements of a seal are not adopted
  skip_term_compare,         ///< the controller does not compare versions when it grants
  advance_twice,             ///< advance means +1 on what is read
  reuse_counter,             ///< a restarted replica gets the name of the one before
  restarted_before_failed,   ///< neighbour events in the wrong order
  finish_twice,              ///< the status of an ended job can be replaced
  accept_foreign_job,        ///< messages of other jobs are taken
  unbounded_parking,         ///< the limit of waiting frames is not kept
  serve_outside_twice,       ///< a pull from outside that comes again reaches the task again

  // --- of the data plane
  skip_identity_check,  ///< a life takes what was meant for another one that had its port
  skip_proof,           ///< who does not know the secret is a peer
  take_partial_body,    ///< a body whose connection broke in the middle is taken for whole
  reuse_blob,           ///< another frame's body is announced under the same id
  unbounded_queue,      ///< the limit of what waits for a peer is not kept
  wait_for_ever,        ///< a connection whose peer is silent is not given up
};

#ifdef TASKGRAPH_MUTANTS
inline thread_local Mutant active_mutant = Mutant::none;
inline bool mutated(Mutant mutant) {
  return active_mutant == mutant;
}
#else
constexpr bool mutated(Mutant) {
  return false;
}
#endif

}  // namespace taskgraph::core
