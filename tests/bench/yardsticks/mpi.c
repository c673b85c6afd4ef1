/* usage: mpirun ... taskgraph-mpi_yardstick COUNT
   MPI_Barrier again and again; the first rank prints a line of JSON. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int by_value(const void* a, const void* b) {
  const double one = *(const double*)a;
  const double other = *(const double*)b;
  return (one > other) - (one < other);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const int count = argc > 1 ? atoi(argv[1]) : 0;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (count < 1) {
    if (rank == 0) fputs("usage: mpirun ... taskgraph-mpi_yardstick COUNT\n", stderr);
    MPI_Abort(MPI_COMM_WORLD, 64);
  }
  double* times = malloc((size_t)count * sizeof *times);
  if (times == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int i = 0; i < count && i < 200; ++i) MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  for (int i = 0; i < count; ++i) {
    const double since = MPI_Wtime();
    MPI_Barrier(MPI_COMM_WORLD);
    times[i] = MPI_Wtime() - since;
  }
  const double seconds = MPI_Wtime() - begin;
  qsort(times, (size_t)count, sizeof *times, by_value);
  if (rank == 0) printf("{\"count\":%d,\"seconds\":%.6f,\"p50_ns\":%.0f}\n", count, seconds, times[count / 2] * 1e9);
  free(times);
  MPI_Finalize();
  return 0;
}
