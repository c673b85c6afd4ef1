/* Who may decide: candidates, their replacement when all are gone, and the controller's office (protocol.md 6.1, 6.2).
 *
 * Host 0 is the only candidate at first and holds the office; after it was lost it may come back under a new uuid that
 * names the old one. Hosts 1 and 2 are none. Elsewhere life A is the primary of a task and acts inside its lease.
 * A host acts on the documents that it read last, however long ago: Supervisor::next_transaction. */
#include "common.pml"

#ifndef LEASE
#define LEASE 1
#endif
#define WAIT LEASE
#define UNSEEN (WAIT + 1)
#ifndef VIEWS
#define VIEWS 4
#endif
#define HOSTS 3
#define SUCCESSOR 3          /* uuid of host 0 after it was lost */
#define NOBODY 7

/* ---- the coordinator ---- */
byte view = 1;               /* its version: ViewDocument */
byte seats[VIEWS + 1];       /* of each version: uuids of candidates */
byte present = BIT(0) | BIT(1) | BIT(2);  /* hosts/UUID */
byte office = 0;             /* the lock `controller`: vanishes with its holder, and can be taken at once */
bool a_present = true;
bool moved;                  /* term 2 of A's task is granted */

/* ---- life A ---- */
byte a_lease = LEASE;

/* ---- hosts ---- */
byte uuid[HOSTS];
byte read_view[HOSTS];       /* what Documents shows; 0: nothing that may be built on (Supervisor::stale_) */
bool read_own_office[HOSTS];
bool read_free_office[HOSTS];
byte a_wait[HOSTS] = UNSEEN; /* Controller::absent_since_ */
byte all_wait[HOSTS] = UNSEEN;  /* Supervisor::candidates_absent_since_ */
byte waited_for[HOSTS];      /* the candidates that this wait is for */

/* ---- history ---- */
byte absent_left[4];         /* ticks until a uuid has been absent for lease x 1.1 */

/* A successor holds its predecessor's seat (3.4). */
#define SEATED(one, v) (HAS(seats[v], one) || (one == SUCCESSOR && HAS(seats[v], 0)))
#define SEATED_AND_THERE(one, v) (HAS(present, one) && SEATED(one, v))
#define ANYBODY(v) \
  (SEATED_AND_THERE(0, v) || SEATED_AND_THERE(1, v) || SEATED_AND_THERE(2, v) || SEATED_AND_THERE(SUCCESSOR, v))
#define ABSENT_LONG(one) (!HAS(seats[view], one) || (!HAS(present, one) && absent_left[one] == 0))

#ifdef NO_VIEW_COMPARE
#define DECISION_STANDS(me) true
#else
#define DECISION_STANDS(me) (view == read_view[me])
#endif
#ifdef NO_OFFICE_COMPARE
#define OFFICE_STANDS(me) true
#else
#define OFFICE_STANDS(me) (view == read_view[me])
#endif
#ifdef NO_REPLACEMENT_COMPARE
#define REPLACEMENT_STANDS(me) true
#else
#define REPLACEMENT_STANDS(me) (view == read_view[me])
#endif
#ifdef NO_LOCK_COMPARE
#define LOCK_FREE true
#else
#define LOCK_FREE (office == NOBODY)
#endif
#ifdef NO_ALL_ABSENT
#define MAY_REPLACE(me) true
#elif defined(NO_REPLACEMENT_WAIT)
#define MAY_REPLACE(me) (all_wait[me] != UNSEEN)
#else
#define MAY_REPLACE(me) (all_wait[me] == 0)
#endif

#ifdef NO_WAIT_PER_LIST       /* what it had waited for the candidates before counts for these */
#define OTHERS_THAN_BEFORE(me) false
#else
#define OTHERS_THAN_BEFORE(me) (waited_for[me] != seats[view])
#endif

/* After its own transaction a host knows that its documents are old; it reads again. */
inline forget(me) {
  read_view[me] = 0; read_own_office[me] = false; read_free_office[me] = false
}
inline change_view(to) {
  seats[view + 1] = to; view++;
  REQUIRE("violates: who holds the office has a seat\n", office == NOBODY || SEATED(office, view))
}

proctype Host(byte me) {
  do
  /* A consistent read of all documents: Supervisor::read. The waits that it begins count from its reply. */
  :: atomic { read_view[me] != view || read_own_office[me] != (office == uuid[me]) ||
              read_free_office[me] != (office == NOBODY) || (!ANYBODY(view) && all_wait[me] == UNSEEN) ||
              (!a_present && office == uuid[me] && a_wait[me] == UNSEEN) ->
       read_view[me] = view; read_own_office[me] = (office == uuid[me]); read_free_office[me] = (office == NOBODY);
       if
       :: ANYBODY(view) || SEATED(uuid[me], view) -> all_wait[me] = UNSEEN; waited_for[me] = 0
       :: else ->
          if
          :: all_wait[me] == UNSEEN || OTHERS_THAN_BEFORE(me) -> all_wait[me] = WAIT; waited_for[me] = seats[view]
          :: else
          fi
       fi;
       if
#ifdef NO_OWN_WAIT           /* who was replaced is taken to have waited */
       :: !a_present && read_own_office[me] && me != 0 -> a_wait[me] = 0
#else
       :: !a_present && read_own_office[me] && a_wait[me] == UNSEEN -> a_wait[me] = WAIT
#endif
       :: else
       fi;
       printf("host %d reads view %d, office %d\n", me, view, office) }

  /* The office: Supervisor::office, of who has a seat. Refused when the own session has ended. */
  :: atomic { read_view[me] != 0 && read_free_office[me] && SEATED(uuid[me], read_view[me]) ->
       if
       :: HAS(present, uuid[me]) && office == NOBODY && OFFICE_STANDS(me) ->
          office = uuid[me];
          printf("host %d takes the office as uuid %d\n", me, uuid[me]);
          REQUIRE("violates: who holds the office has a seat\n", SEATED(office, view))
       :: else
       fi;
       forget(me) }

  /* All candidates gone: Supervisor::office, second half. The rank only keeps hosts from trying at the same time. */
  :: atomic { read_view[me] != 0 && !SEATED(uuid[me], read_view[me]) && MAY_REPLACE(me) ->
       if
       :: REPLACEMENT_STANDS(me) && LOCK_FREE && view < VIEWS ->
          printf("host %d replaces the candidates\n", me);
          REQUIRE("violates: only who has been absent for the wait is replaced\n",
                  ABSENT_LONG(0) && ABSENT_LONG(1) && ABSENT_LONG(2));
          change_view(BIT(uuid[me]))
       :: else
       fi;
       all_wait[me] = UNSEEN; waited_for[me] = 0; forget(me) }

  /* Controller::decide: a failover without proof; and Controller::next_candidates. */
  :: atomic { read_view[me] != 0 && read_own_office[me] && a_wait[me] == 0 && !moved ->
       if
       :: DECISION_STANDS(me) && !a_present && view < VIEWS ->
          printf("host %d GRANTS the term after A's\n", me);
          REQUIRE("violates: only a candidate decides\n", SEATED(uuid[me], view));
          REQUIRE("violates: no term while a lease of the one before runs\n", a_lease == 0);
          moved = true; change_view(seats[view])
       :: else
       fi;
       forget(me) }
  :: atomic { read_view[me] != 0 && read_own_office[me] ->
       if
       :: DECISION_STANDS(me) && view < VIEWS && (present & ~seats[view]) != 0 ->
          printf("host %d refills the seats\n", me);
          REQUIRE("violates: only a candidate decides\n", SEATED(uuid[me], view));
          change_view(present)
       :: else
       fi;
       forget(me) }

  /* Lost, and back under a new uuid; what it had read it still has: Supervisor::registration. */
  :: atomic { me == 0 && uuid[0] == 0 && !HAS(present, 0) ->
       uuid[0] = SUCCESSOR; ADD(present, SUCCESSOR); read_own_office[0] = false;
       printf("host 0 is back as uuid %d\n", SUCCESSOR) }
  od
}

/* Each lease from a consistent read that finds the own presence; read and reply are one step, failover.pml has two. */
proctype A() {
  do
  :: atomic { a_present && a_lease < LEASE -> a_lease = LEASE; printf("A has a lease\n") }
  od
}

inline vanish(one) {
  REMOVE(present, one); absent_left[one] = WAIT;
  if :: office == one -> office = NOBODY :: else fi;
  printf("the presence of uuid %d vanishes\n", one)
}
proctype Sessions() {
  do
  :: atomic { HAS(present, 0) -> vanish(0) }
  :: atomic { HAS(present, 1) -> vanish(1) }
  :: atomic { HAS(present, 2) -> vanish(2) }
  :: atomic { HAS(present, SUCCESSOR) -> vanish(SUCCESSOR) }
  :: atomic { a_present -> a_present = false; printf("the presence of A vanishes\n") }
  od
}

#define COUNT_DOWN_WAIT(timer) if :: timer > 0 && timer != UNSEEN -> timer-- :: else fi
proctype Time() {
  do
  :: d_step { true ->
       printf("-- tick --\n");
       COUNT_DOWN(a_lease);
       COUNT_DOWN_WAIT(a_wait[0]); COUNT_DOWN_WAIT(a_wait[1]); COUNT_DOWN_WAIT(a_wait[2]);
       COUNT_DOWN_WAIT(all_wait[0]); COUNT_DOWN_WAIT(all_wait[1]); COUNT_DOWN_WAIT(all_wait[2]);
       COUNT_DOWN(absent_left[0]); COUNT_DOWN(absent_left[1]); COUNT_DOWN(absent_left[2]); COUNT_DOWN(absent_left[3]) }
  od
}

init {
  d_step { seats[1] = BIT(0); uuid[0] = 0; uuid[1] = 1; uuid[2] = 2 }
  atomic { run Host(0); run Host(1); run Host(2); run A(); run Sessions(); run Time() }
}
