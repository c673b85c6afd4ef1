/* Who may act and who may accept while a task's primary moves: lease, absence, proof, wait, grant, seal
 * (protocol.md sections 2 to 5).
 *
 * Host 0 runs life A, the task's first primary, and after a loss its successor. Host 1 runs life B. Hosts 2.. run
 * primaries of other tasks, to which the task sends: receivers. Candidates decide. Each grant is a view version of its
 * own, so that a term and the version of the view that grants it are one number here.
 *
 * Every step may come at any time or never; a tick may come between any two. What was sent once stays in the network:
 * late, doubled, out of order.
 *
 * Adversaries that are stronger in one order are kept in that order only:
 *   a read executes in the instant in which it is sent: a lease that counts from earlier ends earlier;
 *   a wait begins in the instant in which the read, or the destroy, executes: one from the reply ends later;
 *   a transaction executes at any time after it was decided: it stands for every late or repeated copy. */
#include "common.pml"

#ifndef TERMS
#define TERMS 2        /* the last one that is granted */
#endif
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#ifndef CANDIDATES
#define CANDIDATES 2
#endif
/* HOSTS_STAY: nobody dies or comes back; RECEIVER_DIES: host 2's session may end */
#ifdef HOSTS_STAY
#define MAY_DIE(host) false
#else
#define MAY_DIE(host) true
#endif
#ifndef LEASE
#define LEASE 2        /* ticks: failure.lease */
#endif
#define WAIT LEASE     /* ticks: lease x 1.1. All clocks run alike here, so that the tenth is nothing */
#define UNSEEN (WAIT + 1)
#define HOSTS (2 + RECEIVERS)

/* Lives, as members of sets. */
#define A 0
#define B 1
#define SUCCESSOR 2    /* of A */
#define NOBODY 7
#define RECEIVER(host) ((host) + 1)

/* ---- the coordinator: host/coordinator, documents in host/core/documents.hpp ---- */
byte term = 1;
byte primary_of[TERMS + 1];  /* assign/K, each version */
byte present;                /* lives/UUID */
byte gone;                   /* gone/UUID */
byte listed;                 /* receivers that the assignment names */

/* ---- history, for the properties ---- */
byte granted;
byte acted;    /* the greatest term that has passed its checks */
byte network;  /* terms of which something was sent */

/* ---- hosts ---- */
mtype = { up, lost, reaped, proven };
mtype state[HOSTS] = up;
byte known[HOSTS] = 1;  /* the view that is applied: by every replica of the worker (Worker::try_apply) */
byte lease[HOSTS];      /* ticks left (Lease) */
byte reading[HOSTS];    /* ticks that a lease from the read under way would still have; 0: none is under way */
byte read_term[HOSTS];  /* what that read will return */
byte life[2];           /* of host 0 and host 1 */
byte seal_left[2];      /* ticks until the seal closes by time */
byte passed[2];         /* the term that has passed the checks and is about to send; 0: none */
byte passed_by[2];      /* the life that did */

/* ---- candidates ---- */
byte decided_on[CANDIDATES];     /* the view version that the decision compares; 0: none is under way */
byte wait_left[CANDIDATES];      /* for the primary of that view */
byte receiver_wait[CANDIDATES];  /* for host 2's life; UNSEEN: not seen absent */

/* ---- guards: each can be removed by a flag of the compiler ---- */
#ifdef NO_PRESENCE_IN_READ
#define FINDS_ITSELF(one) true
#else
#define FINDS_ITSELF(one) HAS(present, one)
#endif
#ifdef NO_SEND_TIME
#define LEASE_OF_READ(host) LEASE
#else
#define LEASE_OF_READ(host) reading[host]
#endif
#ifdef NO_RECEIVER_LEASE
#define MAY_ACCEPT(host) true
#else
#define MAY_ACCEPT(host) (lease[host] > 0)
#endif
#ifdef NO_QUIESCE
#define QUIET(host) true
#else
#define QUIET(host) (passed[host] == 0)
#endif
#ifdef NO_VERSION_COMPARE
#define COMPARES(c) true
#else
#define COMPARES(c) (term == decided_on[c])
#endif

#if defined(NO_APPLIED_LEASE) || defined(NO_APPLIED_ACK)
byte pending[HOSTS];    /* a view that the supervisor has and the worker has not applied */
#endif
#ifdef NO_APPLIED_ACK
#define ACKNOWLEDGED(host, t) (known[host] >= t || pending[host] >= t)
#else
#define ACKNOWLEDGED(host, t) (known[host] >= t)
#endif
#define COUNTED(host, t) (ACKNOWLEDGED(host, t) || !HAS(listed, RECEIVER(host)))
#if RECEIVERS == 1
#define ALL_ACKNOWLEDGED(t) COUNTED(2, t)
#elif defined(NO_WHOLE_SEAL)
#define ALL_ACKNOWLEDGED(t) (COUNTED(2, t) || COUNTED(3, t))
#else
#define ALL_ACKNOWLEDGED(t) (COUNTED(2, t) && COUNTED(3, t))
#endif
#ifdef NO_SEAL_FROM_SIGHT
byte since_sending;     /* ticks left, and one: the seal's clock, started with the transaction */
#define SEALED_BY_TIME(host) (since_sending == 1)
#else
#define SEALED_BY_TIME(host) (seal_left[host] == 0)
#endif
#ifdef NO_SEAL
#define SEALED(host) true
#else
#define SEALED(host) (known[host] == 1 || SEALED_BY_TIME(host) || ALL_ACKNOWLEDGED(known[host]))
#endif

/* A worker applies a view: Supervisor::learn_view, Worker::on(ViewPushed), Replica::on(ApplyView). Who learns of a
 * grant to itself starts the seal's clock then (5): Replica::become_primary, Seal::begin. */
inline apply(host, version) {
  if
  :: version > known[host] ->
     known[host] = version;
     if
     :: host < 2 -> seal_left[host] = (primary_of[version] == life[host] -> LEASE : 0)
     :: else
     fi
  :: else
  fi
}

/* The consistent read of view and own presence that a lease counts from (2.1): Supervisor::read. A host that does not
 * find itself clears the lease page at once (3.3). */
inline read_for_lease(host, own) {
  if
  :: FINDS_ITSELF(own) -> reading[host] = LEASE; read_term[host] = term;
     printf("host %d (life %d) reads: it is there, view %d\n", host, own, term)
  :: else -> state[host] = lost; lease[host] = 0;
     printf("host %d (life %d) reads that it is gone: fenced\n", host, own)
  fi
}

/* The reply, and the worker's report that it has applied what came with it; only then the lease is extended:
 * Supervisor::on(ReadReply), Worker::acknowledge_all, Lease::extend. One step: applied later is replied later. */
inline extend_lease(host) {
  if :: LEASE_OF_READ(host) > lease[host] -> lease[host] = LEASE_OF_READ(host) :: else fi;
  reading[host] = 0; read_term[host] = 0;
  printf("host %d extends its lease to %d ticks, knows view %d\n", host, lease[host], known[host])
}

/* Host 0 or 1: its supervisor, its worker and the task's replica there. */
proctype Host(byte me) {
  byte version;
  do
  :: atomic { state[me] == up && reading[me] == 0 -> read_for_lease(me, life[me]) }
  :: atomic { reading[me] > 0 -> apply(me, read_term[me]); extend_lease(me) }
#ifdef NO_CONSISTENT_READ  /* a renewal, or a server that is cut off from its leader, knows nothing of what happened */
  :: atomic { state[me] == up && reading[me] == 0 -> reading[me] = LEASE; read_term[me] = known[me];
     printf("host %d (life %d) is told by a stale server that it is there\n", me, life[me]) }
#endif
  /* A view is pushed; any older one as well: Supervisor::on(FromHost), ViewNews. */
  :: atomic { (state[me] == up || state[me] == lost) && term > known[me] ->
     if :: version = term :: known[me] + 1 < term -> version = known[me] + 1 fi;
     apply(me, version); version = 0;
     printf("host %d is pushed view %d\n", me, known[me]) }

  /* Check and send. One step of the strand (Replica::flush), but its thread may be held up in between. */
  :: atomic { state[me] == up && passed[me] == 0 && lease[me] > 0 && primary_of[known[me]] == life[me] && SEALED(me) ->
     printf("host %d (life %d) passes its checks as term %d, lease %d\n", me, life[me], known[me], lease[me]);
     REQUIRE("violates: nobody acts as an older term\n", known[me] >= acted);
     passed[me] = known[me]; passed_by[me] = life[me]; acted = known[me] }
  :: atomic { passed[me] != 0 ->
     printf("host %d sends as term %d\n", me, passed[me]);
     REQUIRE("violates: a proven life sends nothing\n", !HAS(gone, passed_by[me]));
     ADD(network, passed[me]); passed[me] = 0; passed_by[me] = 0 }

  /* The own presence was gone: fenced, and nobody between check and send, the host writes the proof and comes back
   * under a new uuid in one transaction (3.3): Supervisor::registration. Only host 0 does here. */
#ifdef NO_NEW_UUID
  :: atomic { state[me] == lost && QUIET(me) -> ADD(present, life[me]); state[me] = up;
     printf("host %d is back as life %d, as before\n", me, life[me]) }
#else
  :: atomic { MAY_DIE(me) && state[me] == lost && me == 0 && life[me] == A && QUIET(me) ->
     ADD(gone, A); ADD(present, SUCCESSOR); life[me] = SUCCESSOR; seal_left[me] = 0; state[me] = up;
     printf("host %d proves life %d and is back as life %d\n", me, A, SUCCESSOR) }
#endif

  /* The worker dies, or did not confirm that it is fenced and was killed; it is reaped: event WorkerDied. */
  :: atomic { MAY_DIE(me) && (state[me] == up || state[me] == lost) ->
     state[me] = reaped; known[me] = 0; lease[me] = 0; reading[me] = 0; read_term[me] = 0; seal_left[me] = 0;
     passed[me] = 0; passed_by[me] = 0;
     printf("host %d: life %d is reaped\n", me, life[me]) }
  /* The proof, in the transaction that removes the presence (3.1): Supervisor::proofs. */
  :: atomic { state[me] == reaped -> ADD(gone, life[me]); REMOVE(present, life[me]); state[me] = proven;
     printf("host %d proves life %d\n", me, life[me]) }
  /* Another worker: Supervisor::registration. */
  :: atomic { state[me] == proven && me == 0 && life[me] == A ->
     ADD(present, SUCCESSOR); life[me] = SUCCESSOR; known[me] = 1; state[me] = up;
     printf("host %d registers life %d\n", me, SUCCESSOR) }
  od
}

/* A host whose replica is sent to. It accepts only what has the term that its applied view shows, inside its own lease:
 * Replica::accepts. */
proctype Receiver(byte me) {
  byte checked;
  do
  :: atomic { state[me] == up && reading[me] == 0 -> read_for_lease(me, RECEIVER(me)) }
#ifdef NO_CONSISTENT_READ
  :: atomic { state[me] == up && reading[me] == 0 -> reading[me] = LEASE; read_term[me] = known[me];
     printf("host %d is told by a stale server that it is there\n", me) }
#endif
#ifdef NO_APPLIED_LEASE  /* the reply extends the lease, the worker applies the view when it comes to it */
  :: atomic { reading[me] > 0 ->
     if :: read_term[me] > pending[me] -> pending[me] = read_term[me] :: else fi;
     extend_lease(me) }
#else
  :: atomic { reading[me] > 0 -> apply(me, read_term[me]); extend_lease(me) }
#endif
#if defined(NO_APPLIED_LEASE) || defined(NO_APPLIED_ACK)
  :: atomic { term > known[me] && term > pending[me] -> pending[me] = term;
     printf("host %d: the supervisor has view %d\n", me, term) }
  :: atomic { pending[me] > 0 -> apply(me, pending[me]); pending[me] = 0;
     printf("host %d: the worker applies view %d\n", me, known[me]) }
#else
  :: atomic { term > known[me] -> apply(me, known[me] + 1); printf("host %d is pushed view %d\n", me, known[me]) }
#endif
#ifdef NO_ONE_STEP_ACCEPT  /* one thread checks, another applies a view, the first accepts */
  :: atomic { checked == 0 && MAY_ACCEPT(me) && HAS(network, known[me]) -> checked = known[me];
     printf("host %d: what is of term %d passes the check\n", me, checked) }
  :: atomic { checked != 0 ->
     printf("host %d accepts term %d\n", me, checked);
     REQUIRE("violates: nobody accepts an older term\n", checked >= acted);
     checked = 0 }
#else
  :: atomic { MAY_ACCEPT(me) && HAS(network, known[me]) ->
     printf("host %d accepts term %d\n", me, known[me]);
     REQUIRE("violates: nobody accepts an older term\n", known[me] >= acted) }
#endif
  od
}

/* A candidate: what it has read, for whom it waits, what it decides (4.1). It begins each wait itself, with a read that
 * lacks the presence and shows the assignment that names the life, or with its own destroy (3.2):
 * Controller::is_dead. */
proctype Candidate(byte me) {
  byte next = NOBODY;
  do
  :: atomic { decided_on[me] == 0 && term < TERMS && !HAS(present, primary_of[term]) ->
     decided_on[me] = term;
#ifdef NO_OWN_WAIT  /* whoever made it absent has waited */
     wait_left[me] = 0;
#else
     wait_left[me] = (HAS(gone, primary_of[term]) -> 0 : WAIT);
#endif
     printf("candidate %d finds life %d absent in view %d, waits %d\n", me, primary_of[term], term, wait_left[me]) }
  /* Suspected: the transaction that deletes the presence (4.4); the wait counts from its reply. */
  :: atomic { decided_on[me] == 0 && term < TERMS && HAS(present, primary_of[term]) ->
     REMOVE(present, primary_of[term]); decided_on[me] = term; wait_left[me] = WAIT;
     printf("candidate %d destroys the presence of life %d in view %d, waits %d\n", me, primary_of[term], term, WAIT) }
#ifdef NO_WAIT_FROM_ABSENCE  /* counted from the sending of what was still under way, or seen before the registration */
  :: atomic { decided_on[me] == 0 && term < TERMS && HAS(present, primary_of[term]) ->
     decided_on[me] = term; wait_left[me] = WAIT;
     printf("candidate %d waits for life %d, which is there\n", me, primary_of[term]) }
#endif
  :: atomic { wait_left[me] > 0 && HAS(gone, primary_of[decided_on[me]]) -> wait_left[me] = 0;
     printf("candidate %d finds the proof of life %d\n", me, primary_of[decided_on[me]]) }
#ifdef RECEIVER_DIES
  :: atomic { receiver_wait[me] == UNSEEN && HAS(listed, RECEIVER(2)) && !HAS(present, RECEIVER(2)) ->
     receiver_wait[me] = WAIT; printf("candidate %d finds life %d absent, waits %d\n", me, RECEIVER(2), WAIT) }
#endif
#ifdef NO_SEAL_FROM_SIGHT
  :: atomic { decided_on[me] != 0 && wait_left[me] == 0 && since_sending == 0 -> since_sending = LEASE + 1;
     printf("candidate %d sends the transaction; the seal's clock starts\n", me) }
#endif
  /* The transaction executes (Controller::change_assignment, place): the versions it was decided on, the absence of the
   * dead and the presence of the new primary are compared; the dead leave the assignment. */
#ifdef NO_WAIT
  :: atomic { decided_on[me] != 0 ->
#else
  :: atomic { decided_on[me] != 0 && wait_left[me] == 0 ->
#endif
     if
     :: COMPARES(me) && !HAS(present, primary_of[decided_on[me]]) ->
        if
        :: HAS(present, A) && primary_of[decided_on[me]] != A -> next = A
        :: HAS(present, B) && primary_of[decided_on[me]] != B -> next = B
        :: HAS(present, SUCCESSOR) && primary_of[decided_on[me]] != SUCCESSOR -> next = SUCCESSOR
        :: else
        fi
     :: else
     fi;
     if
     :: next != NOBODY ->
        term = decided_on[me] + 1; primary_of[term] = next;
        printf("candidate %d GRANTS term %d to life %d\n", me, term, next);
        REQUIRE("violates: a term is granted once\n", !HAS(granted, term));
        ADD(granted, term);
        if
        :: receiver_wait[me] == 0 -> REMOVE(listed, RECEIVER(2)); receiver_wait[me] = UNSEEN;
           printf("life %d has left the assignment\n", RECEIVER(2))
        :: else
        fi
     :: else
     fi;
     decided_on[me] = 0; wait_left[me] = 0; next = NOBODY }
  od
}

/* Sessions end at any time, by their TTL or because the coordinator forgot them. */
proctype Sessions() {
  do
  :: atomic { HAS(present, A) -> REMOVE(present, A); printf("the presence of life %d vanishes\n", A) }
  :: atomic { HAS(present, B) -> REMOVE(present, B); printf("the presence of life %d vanishes\n", B) }
  :: atomic { HAS(present, SUCCESSOR) -> REMOVE(present, SUCCESSOR);
     printf("the presence of life %d vanishes\n", SUCCESSOR) }
#ifdef RECEIVER_DIES
  :: atomic { HAS(present, RECEIVER(2)) -> REMOVE(present, RECEIVER(2));
     printf("the presence of life %d vanishes\n", RECEIVER(2)) }
#endif
  od
}

#if RECEIVERS == 2
#define EACH_HOST(what, array) what(array[0]); what(array[1]); what(array[2]); what(array[3])
#define ANY_HOST(array) (array[0] + array[1] + array[2] + array[3])
#else
#define EACH_HOST(what, array) what(array[0]); what(array[1]); what(array[2])
#define ANY_HOST(array) (array[0] + array[1] + array[2])
#endif
#if CANDIDATES == 2
#define EACH_CANDIDATE(what, array) what(array[0]); what(array[1])
#define ANY_CANDIDATE(array) (array[0] + array[1])
#else
#define EACH_CANDIDATE(what, array) what(array[0])
#define ANY_CANDIDATE(array) (array[0])
#endif
#define COUNT_DOWN_WAIT(timer) if :: timer > 0 && timer != UNSEEN -> timer-- :: else fi
/* A read whose lease would have ended is worth nothing; it is as good as lost. */
#define FORGET_READ(host) if :: reading[host] == 0 -> read_term[host] = 0 :: else fi

#define TIMERS (ANY_HOST(lease) + ANY_HOST(reading) + seal_left[0] + seal_left[1] + ANY_CANDIDATE(wait_left))
#ifdef NO_SEAL_FROM_SIGHT
#define ANYTHING_RUNS (TIMERS > 0 || since_sending > 1)
#elif defined(RECEIVER_DIES)
#define ANYTHING_RUNS (TIMERS > 0 || (receiver_wait[0] > 0 && receiver_wait[0] != UNSEEN))
#else
#define ANYTHING_RUNS (TIMERS > 0)
#endif

proctype Time() {
  do
  :: d_step { ANYTHING_RUNS ->
       printf("-- tick --\n");
       EACH_HOST(COUNT_DOWN, lease);
       EACH_HOST(COUNT_DOWN, reading);
       COUNT_DOWN(seal_left[0]);
       COUNT_DOWN(seal_left[1]);
       EACH_CANDIDATE(COUNT_DOWN, wait_left);
       EACH_CANDIDATE(COUNT_DOWN_WAIT, receiver_wait);
       FORGET_READ(0); FORGET_READ(1); FORGET_READ(2);
#if RECEIVERS == 2
       FORGET_READ(3);
#endif
#ifdef NO_SEAL_FROM_SIGHT
       if :: since_sending > 1 -> since_sending-- :: else fi
#endif
     }
  od
}

init {
  d_step {
    primary_of[0] = NOBODY; primary_of[1] = A; ADD(granted, 1);
    life[0] = A; life[1] = B;
    ADD(present, A); ADD(present, B);
    ADD(present, RECEIVER(2)); ADD(listed, RECEIVER(2));
#if RECEIVERS == 2
    ADD(present, RECEIVER(3)); ADD(listed, RECEIVER(3));
#endif
    receiver_wait[0] = UNSEEN;
#if CANDIDATES == 2
    receiver_wait[1] = UNSEEN;
#endif
  }
  atomic {
    run Host(0); run Host(1);
    run Receiver(2);
#if RECEIVERS == 2
    run Receiver(3);
#endif
    run Candidate(0);
#if CANDIDATES == 2
    run Candidate(1);
#endif
    run Sessions(); run Time()
  }
}
