/* Steps of the epoch and the end of the job (protocol.md section 7, rule 1).
 *
 * One task, whose primary is replica 0 at term 1 and, after a failover that may come at any time, replica 1 at term 2.
 * Two hosts hold the controller's office one after the other or, for all that one of them knows, at once. Each decides
 * on what it has read; its transaction executes at any time after. Requests and news stay in the network for ever. */
#include "common.pml"

#define LAST 2            /* the epoch from which nobody advances */

/* ---- the coordinator ---- */
byte epoch;               /* EpochDocument */
byte shard_version = 1;   /* of the shard that names the task's primary: its term */
bool ended;               /* StatusDocument */

/* ---- network ---- */
byte news;                /* epochs that were pushed: EpochNews */
byte asked[3];            /* by term: epochs from which it asked to advance: AdvanceAsk */
bool finish_asked[3];     /* by term: it asked to finish in epoch 1: FinishAsk */

/* ---- replicas ---- */
byte entered[2];
byte queued[2];           /* the epoch that the strand enters next, and one; 0: none */

#ifdef NO_NEWER_ONLY
#define IS_NEWS(me, e) true
#else
#define IS_NEWS(me, e) ((e) > entered[me] && (e) + 1 > queued[me])
#endif

/* Supervisor::learn_epoch, Worker::on(EpochPushed), Replica::enter_epoch; Replica::ask_controller. Replica n is the
 * primary of term n + 1; it asks again and again, as the next holder of the office knows nothing of the request. */
proctype Replica(byte me) {
  byte e;
  do
  :: atomic {
       if
       :: HAS(news, 1) -> e = 1
       :: HAS(news, 2) -> e = 2
       :: e = epoch  /* by the read that goes with the lease */
       fi;
       if :: IS_NEWS(me, e) -> queued[me] = e + 1 :: else fi;
       e = 0 }
  :: atomic { queued[me] != 0 ->
       printf("replica %d enters epoch %d\n", me, queued[me] - 1);
       REQUIRE("violates: no replica goes back to an epoch\n", queued[me] - 1 >= entered[me]);
       entered[me] = queued[me] - 1; queued[me] = 0 }
  :: atomic { shard_version > me && entered[me] < LAST && !HAS(asked[me + 1], entered[me]) ->
       ADD(asked[me + 1], entered[me]);
       printf("term %d asks to advance from epoch %d\n", me + 1, entered[me]) }
  :: atomic { shard_version > me && entered[me] == 1 && !finish_asked[me + 1] ->
       finish_asked[me + 1] = true;
       printf("term %d asks to finish in epoch 1\n", me + 1) }
  od
}

#ifdef NO_TERM_COMPARE
#define SHARD_STANDS true
#else
#define SHARD_STANDS (shard_version == read_shard)
#endif
#ifdef NO_FROM_COMPARE    /* "advance" means one more than what was read */
#define WAS_ASKED HAS(asked[t], 0) || HAS(asked[t], 1)
#else
#define WAS_ASKED HAS(asked[t], read_epoch)
#endif
#ifdef NO_EPOCH_COMPARE
#define EPOCH_STANDS true
#else
#define EPOCH_STANDS (epoch == read_epoch)
#endif
#ifdef NO_STATUS_COMPARE
#define STATUS_STANDS true
#else
#define STATUS_STANDS (!ended)
#endif

/* Controller::advance and Controller::end_job, on what Supervisor::read returned. */
proctype Controller(byte me) {
  byte t, read_epoch, read_shard;
  do
  :: atomic { !ended ->
       read_epoch = epoch; read_shard = shard_version; t = read_shard }
     if
     :: atomic { WAS_ASKED ->
          printf("controller %d sends: advance from %d for term %d\n", me, read_epoch, t) }
        atomic {
          if
          :: EPOCH_STANDS && SHARD_STANDS ->
             REQUIRE("violates: the epoch never goes back\n", read_epoch + 1 > epoch);
             REQUIRE("violates: each step of the epoch was asked for\n", HAS(asked[t], epoch));
             REQUIRE("violates: only the current term advances\n", t == shard_version);
             epoch = read_epoch + 1;
             printf("the epoch is %d\n", epoch)
          :: else
          fi }
        atomic {  /* it tells the others, now or when another controller has gone further, or never */
          if :: ADD(news, read_epoch + 1) :: skip fi }
     :: atomic { finish_asked[t] && read_epoch == 1 ->
          printf("controller %d sends: finish in %d for term %d\n", me, read_epoch, t) }
        atomic {
          if
          :: EPOCH_STANDS && SHARD_STANDS && STATUS_STANDS ->
             REQUIRE("violates: only the current term finishes\n", t == shard_version);
             REQUIRE("violates: the job finishes in the epoch that was asked for\n", epoch == 1);
             REQUIRE("violates: a job ends once\n", !ended);
             ended = true;
             printf("the job has ended in epoch %d\n", epoch)
          :: else
          fi }
     :: skip
     fi;
     atomic { t = 0; read_epoch = 0; read_shard = 0 }
  od
}

proctype Failover() { atomic { shard_version = 2; printf("term 2 is GRANTED\n") } }

init { atomic { run Replica(0); run Replica(1); run Controller(0); run Controller(1); run Failover() } }
