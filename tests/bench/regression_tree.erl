%% The regression job as plain Erlang: 15 processes of one node in a binary tree, what the benchmark compares a worker
%% with. In each epoch the root sends 8 doubles down; task k's gradient is 16 x 8 doubles, k times the parameter; the
%% sums come up and the root begins the next epoch. The root checks its sum, 105 * epoch in each place.
%%
%%     erlc regression_tree.erl
%%     erl -noshell -s regression_tree main EPOCHS
%%
%% Prints a line of JSON: epochs, seconds of the loop alone, CPU seconds of the node during it.
-module(regression_tree).
-export([main/1]).

-define(TASKS, 15).
-define(PARAMETER_WIDTH, 8).
-define(BLOCKS, 16).

main([Argument]) ->
    Epochs = list_to_integer(atom_to_list(Argument)),
    Root = self(),
    Children = [spawn_link(fun() -> task(Task, Root) end) || Task <- children(0)],
    %% The processes below are up when the first epoch has passed.
    ok = run(0, 1, Children),
    {CpuBefore, _} = erlang:statistics(runtime),
    Before = erlang:monotonic_time(nanosecond),
    ok = run(1, Epochs + 1, Children),
    Nanoseconds = erlang:monotonic_time(nanosecond) - Before,
    {CpuAfter, _} = erlang:statistics(runtime),
    io:format("{\"epochs\":~b,\"seconds\":~.6f,\"cpu_s\":~.3f}~n",
              [Epochs, Nanoseconds / 1.0e9, (CpuAfter - CpuBefore) / 1.0e3]),
    halt(0).

%% The root's loop.
run(Last, Last, _Children) ->
    ok;
run(Epoch, Last, Children) ->
    Parameter = binary:copy(<<(float(Epoch)):64/float-native>>, ?PARAMETER_WIDTH),
    send_down(Epoch, Parameter, Children),
    Sum = add_sums(Epoch, gradient(0, Parameter), Children),
    Expected = binary:copy(<<(105.0 * Epoch):64/float-native>>, ?PARAMETER_WIDTH * ?BLOCKS),
    Expected = Sum,
    run(Epoch + 1, Last, Children).

task(Task, Parent) ->
    Self = self(),
    Children = [spawn_link(fun() -> task(Child, Self) end) || Child <- children(Task)],
    serve(Task, Parent, Children).

serve(Task, Parent, Children) ->
    receive
        {parameter, Epoch, Parameter} ->
            send_down(Epoch, Parameter, Children),
            Parent ! {sum, self(), Epoch, add_sums(Epoch, gradient(Task, Parameter), Children)},
            serve(Task, Parent, Children)
    end.

children(Task) ->
    [Child || Child <- [2 * Task + 1, 2 * Task + 2], Child < ?TASKS].

send_down(Epoch, Parameter, Children) ->
    lists:foreach(fun(Child) -> Child ! {parameter, Epoch, Parameter} end, Children).

add_sums(_Epoch, Sum, []) ->
    Sum;
add_sums(Epoch, Sum, [Child | Rest]) ->
    receive
        {sum, Child, Epoch, Part} -> add_sums(Epoch, add(Sum, Part), Rest)
    end.

%% A row of 8 doubles at a time: one double at a time took a third longer.
gradient(Task, Parameter) ->
    <<A:64/float-native, B:64/float-native, C:64/float-native, D:64/float-native,
      E:64/float-native, F:64/float-native, G:64/float-native, H:64/float-native>> = Parameter,
    K = float(Task),
    binary:copy(<<(K * A):64/float-native, (K * B):64/float-native, (K * C):64/float-native, (K * D):64/float-native,
                  (K * E):64/float-native, (K * F):64/float-native, (K * G):64/float-native, (K * H):64/float-native>>,
                ?BLOCKS).

add(Left, Right) ->
    add(Left, Right, <<>>).

add(<<>>, <<>>, Sum) ->
    Sum;
add(<<A:64/float-native, B:64/float-native, C:64/float-native, D:64/float-native,
      E:64/float-native, F:64/float-native, G:64/float-native, H:64/float-native, Left/binary>>,
    <<I:64/float-native, J:64/float-native, K:64/float-native, L:64/float-native,
      M:64/float-native, N:64/float-native, O:64/float-native, P:64/float-native, Right/binary>>, Sum) ->
    add(Left, Right,
        <<Sum/binary, (A + I):64/float-native, (B + J):64/float-native, (C + K):64/float-native,
          (D + L):64/float-native, (E + M):64/float-native, (F + N):64/float-native, (G + O):64/float-native,
          (H + P):64/float-native>>).
