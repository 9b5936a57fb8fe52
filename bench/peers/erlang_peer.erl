%% erlang_peer.erl: our rows in Erlang/OTP processes.
%% Usage: erl +S W:W -noshell -run erlang_peer main REPETITIONS ROW..., prints lines "ROW ns_per_item checksum"; what each
%% row does is in README.md. W, the number of schedulers, is fixed for a process, so F1b has one of its own.
-module(erlang_peer).
-export([main/1]).

main([Repetitions | Rows]) ->
    lists:foreach(fun(_) -> lists:foreach(fun row/1, Rows) end, lists:seq(1, list_to_integer(Repetitions))),
    halt(0).

row("F1a") -> measure("F1a", 1000000, fun tell_window/0);
row("F1b") -> measure("F1b", 1000000, fun tell_window/0);
row("F1e") -> measure("F1e", 500000, fun ring/0);
row("F2a") -> measure("F2a", 200000, fun ask/0);
row("F3a") -> measure("F3a", 100000, fun spawn_tell_stop/0).

%% Runs Act once unmeasured and then once measured, in a process of its own.
measure(Name, Items, Act) ->
    _ = in_process(Act),
    Began = erlang:monotonic_time(nanosecond),
    Checksum = in_process(Act),
    Took = erlang:monotonic_time(nanosecond) - Began,
    io:format("~s ~.2f ~w~n", [Name, Took / Items, Checksum]).

in_process(Act) ->
    Self = self(),
    Ref = make_ref(),
    spawn(fun() -> Self ! {Ref, Act()} end),
    receive {Ref, Result} -> Result end.

%% --- F1a, F1b, F2a ---

adder(Sum) ->
    receive
        {From, Ref, sum} -> From ! {Ref, Sum}, adder(0);
        stop -> ok;
        Value -> adder(Sum + Value)
    end.

%% What gen_server:call does, without its monitor.
call(To) ->
    Ref = make_ref(),
    To ! {self(), Ref, sum},
    receive {Ref, Sum} -> Sum end.

tell_window() ->
    To = spawn(fun() -> adder(0) end),
    Total = windows(To, 1000, 0),
    To ! stop,
    Total.

windows(_, 0, Total) -> Total;
windows(To, Left, Total) ->
    send_up_to(To, 0),
    windows(To, Left - 1, Total + call(To)).

send_up_to(_, 1000) -> ok;
send_up_to(To, I) ->
    To ! I,
    send_up_to(To, I + 1).

ask() ->
    To = spawn(fun() -> adder(0) end),
    Answered = asks(To, 200000, 0),
    To ! stop,
    Answered.

asks(_, 0, Answered) -> Answered;
asks(To, Left, Answered) ->
    call(To),
    asks(To, Left - 1, Answered + 1).

%% --- F1e ---

ring() ->
    Main = self(),
    First = spawn(fun() -> receive {next, Next} -> node(Next, Main, 0) end end),
    Others = [spawn(fun() -> receive {next, Next} -> node(Next, Main, 0) end end) || _ <- lists:seq(2, 503)],
    link_up([First | Others], First),
    First ! 500000,
    receive rest -> ok end,
    First ! {seen, Main},
    Seen = receive {seen_by_first, N} -> N end,
    lists:foreach(fun(Node) -> Node ! stop end, [First | Others]),
    Seen.

link_up([Last], First) -> Last ! {next, First};
link_up([Node, Next | Rest], First) ->
    Node ! {next, Next},
    link_up([Next | Rest], First).

node(Next, Main, Seen) ->
    receive
        0 -> Main ! rest, node(Next, Main, Seen + 1);
        HopsLeft when is_integer(HopsLeft) -> Next ! HopsLeft - 1, node(Next, Main, Seen + 1);
        {seen, From} -> From ! {seen_by_first, Seen}, node(Next, Main, Seen);
        stop -> ok
    end.

%% --- F3a ---

spawn_tell_stop() ->
    Before = erlang:system_info(process_count),
    rounds(100, Before, 0).

rounds(0, _, Spawned) -> Spawned;
rounds(Left, Before, Spawned) ->
    Bred = breed(0),
    await_count(Before),
    rounds(Left - 1, Before, Spawned + Bred).

breed(1000) -> 1000;
breed(I) ->
    spawn(fun() -> receive _ -> ok end end) ! I,
    breed(I + 1).

await_count(Count) ->
    case erlang:system_info(process_count) =< Count of
        true -> ok;
        false -> erlang:yield(), await_count(Count)
    end.
