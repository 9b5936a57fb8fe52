%% oracle_run: runs one scenario against OTP and prints its trace.
%% How:  an event is given to the world, then everything runs to rest, then the log is taken and the tree is asked for.
%%       At rest means: the driver runs (so no process of the world can, see oracle_world), every supervisor answers
%%       which_children (so none waits in a shutdown), nothing in the tree is restarting or dead, and every live
%%       process is in the tree or is a stubborn orphan, which nothing will ever end.
%% Chosen, where the format leaves it open:
%%       - a supervisor whose start fails has the lines `start` and `stop`; `fail` is for what its plan refuses
%%       - `which` answers in start order, as the tree, without what is below a supervisor
%%       - `plan=` of `add` replaces the plan at once, whatever the call answers; without it the old plan goes on
%%       - `spawn` counts K on when it is asked of a living supervisor, whatever the call answers
%%       - terminate of an instance that never ran is `error not_found`
-module(oracle_run).
-include("oracle_world.hrl").
-export([trace/1]).

-define(ANSWER_MS, 25000).  % more than the world lives

%% The whole trace, as iodata.
trace(Text) ->
    try oracle_text:scenario(Text) of
        Scenario -> run(Scenario)
    catch throw:{unreadable, Why} -> ["unreadable: ", Why, "\n"]
    end.

run(#{name := Name, root := Root, plans := Plans, events := Events}) ->
    World = oracle_world:new(),
    [oracle_world:set_plan(World, Id, Letters) || {Id, Letters} <- Plans],
    {{Launcher, Watch}, Started} = oracle_world:launch(World, Root),
    Lines = try
        case Started of
            {ok, Pid} ->
                First = rest(World, Pid, Launcher),
                ["> init\n", happened(World), First, after_init(Events, World, Pid, Launcher)];
            {error, Reason} ->
                rest(World, none, Launcher),
                ["> init\n", happened(World), "  root failed ", oracle_text:shown(Reason), "\n"];
            ignore ->
                ["> init\n", happened(World), "  root ignored\n"]
        end
    catch throw:overdue -> "error: it does not come to rest\n"
    after oracle_world:destroy({World, Watch})
    end,
    ["trace ", Name, "\n", Lines, "end\n"].

after_init([], _, _, _) -> [];
after_init([Event | Rest], World, Root, Launcher) ->
    case is_process_alive(Root) of
        false -> [];
        true ->
            Echo = case Event of
                {Head, Operations} -> [echo("> ", Head) | [echo("+ ", Operation) || Operation <- Operations]];
                _ -> echo("> ", Event)
            end,
            Pending = case Event of
                {[<<"batch">>, Paused, _], Batched} -> batch(Batched, Paused, World, Launcher);
                _ -> queue(Event, World, Launcher)
            end,
            Tree = rest(World, Root, Launcher),
            Results = results(Pending, World),
            [Echo, Results, happened(World), Tree | after_init(Rest, World, Root, Launcher)]
    end.

echo(Prefix, Tokens) -> [Prefix, lists:join($\s, Tokens), "\n"].

%% --- operations -----------------------------------------------------------------------------------------------------

%% Does or asks what the line says. Returns `none` (no result), {done, Text} or {asked, Kind, Request}.
queue([<<"exit">>, Id, Reason], World, _) -> to(World, Id, fun(Pid) -> Pid ! {exit, oracle_text:reason(Reason)} end);
queue([<<"kill">>, Id], World, _) -> to(World, Id, fun(Pid) -> exit(Pid, kill) end);
queue([<<"signal">>, Id, Reason], World, _) -> to(World, Id, fun(Pid) -> exit(Pid, oracle_text:reason(Reason)) end);
queue([<<"post">>, Id | Messages], World, _) ->
    to(World, Id, fun(Pid) ->
        [Pid ! case Message of
            <<"!", Reason/binary>> -> {exit, oracle_text:reason(Reason)};
            _ -> {message, Message}
        end || Message <- Messages]
    end);
queue([<<"stop">>, Id, Reason], World, Launcher) ->  % what gen_server:stop/3 sends, without waiting for the answer
    to(World, Id, fun(Pid) -> Pid ! {system, {Launcher, make_ref()}, {terminate, oracle_text:reason(Reason)}} end);
queue([<<"advance">>, Seconds], World, _) -> oracle_world:advance(World, binary_to_integer(Seconds)), none;
queue([<<"plan">>, Id, Letters], World, _) -> oracle_world:set_plan(World, Id, Letters), none;
queue([<<"terminate">>, Supervisor, Id], World, _) ->
    ask(World, Supervisor, result, fun(Pid) ->
        case instance(World, Pid, Id) of
            none -> {terminate_child, Id};
            unknown -> {done, "error not_found"};
            Instance -> {terminate_child, Instance}
        end
    end);
queue([<<"restart">>, Supervisor, Id], World, _) ->
    ask(World, Supervisor, result, fun(_) -> {restart_child, Id} end);
queue([<<"delete">>, Supervisor, Id], World, _) ->
    ask(World, Supervisor, result, fun(_) -> {delete_child, Id} end);
queue([<<"add">>, Supervisor, Word, Id | Attributes], World, _) ->
    ask(World, Supervisor, result, fun(_) ->
        {Definition, Plan} = oracle_text:definition(Word, Id, Attributes),
        [oracle_world:set_plan(World, Id, Letters) || {_, Letters} <- [Plan]],
        {start_child, oracle_world:child_spec(World, Definition)}
    end);
queue([<<"spawn">>, Supervisor], World = #world{facts = Facts}, _) ->
    ask(World, Supervisor, result, fun(Pid) ->
        #actor{template = Template} = actor(World, Pid),
        {start_child, [ets:update_counter(Facts, {spawned, Template}, 1, {{spawned, Template}, 0})]}
    end);
queue([<<"count">>, Supervisor], World, _) -> ask(World, Supervisor, count, fun(_) -> count_children end);
queue([<<"which">>, Supervisor], World, _) -> ask(World, Supervisor, which, fun(_) -> which_children end);
queue(Event, _, _) -> throw({unreadable, lists:join($\s, Event)}).

to(World, Id, Act) ->
    case oracle_world:current(World, Id) of
        none -> {done, "noproc"};
        Pid -> Act(Pid), {done, "ok"}
    end.

ask(World, Id, Kind, Request) ->
    case oracle_world:current(World, Id) of
        none -> {done, "noproc"};
        Pid ->
            case Request(Pid) of
                {done, Text} -> {done, Text};
                Message -> {asked, {Kind, Pid}, gen_server:send_request(Pid, Message)}
            end
    end.

%% The process meant by `Id` when it names an instance (t.K) of that simple_one_for_one supervisor, dead or alive.
instance(World, Supervisor, Id) ->
    case actor(World, Supervisor) of
        #actor{kind = sofo, template = Template} when Template =/= none ->
            case string:prefix(Id, [Template, "."]) of
                nomatch -> none;
                _ -> oracle_world:fact(World, {current, Id}, unknown)
            end;
        _ -> none
    end.

%% The whole process is suspended, not only its message loop (sys:suspend would go on answering system messages, a stop
%% among them). All requests leave this process, so they are queued in their order; and a dead child's signal stands in
%% the queue before this process runs again. What an operation does outside the paused supervisor is over before the
%% next one is queued.
batch(Operations, Paused, World, Launcher) ->
    Supervisor = oracle_world:current(World, Paused),
    Supervisor =:= none orelse erlang:suspend_process(Supervisor),
    Pending = [done_outside(Operation, World, Launcher, Supervisor) || Operation <- Operations],
    Supervisor =:= none orelse erlang:resume_process(Supervisor),
    {batch, Pending}.

done_outside(Operation = [Word, Id | _], World, Launcher, Paused) ->
    Target = oracle_world:current(World, Id),
    Held = Paused =/= none andalso lists:member(Target, [Paused | ancestors(World, Paused)]),
    Pending = queue(Operation, World, Launcher),
    erlang:yield(),
    Done = case Pending of
        none -> {done, "ok"};
        {asked, Kind, Request} when not Held -> {answered, Kind, gen_server:receive_response(Request, ?ANSWER_MS)};
        {done, "ok"} when not Held, Word =:= <<"stop">> -> until_dead(Target), Pending;
        _ -> Pending
    end,
    until_none_dies(World),
    Done.

until_dead(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, _, _} -> ok after ?ANSWER_MS -> throw(overdue) end.

until_none_dies(World) ->
    case ets:match(World#world.facts, {{dying, '_'}, '_'}, 1) of
        '$end_of_table' -> ok;
        _ -> receive after 1 -> until_none_dies(World) end
    end.

%% --- results --------------------------------------------------------------------------------------------------------

results(none, _) -> [];
results({batch, Pending}, World) ->
    [["  res ", integer_to_binary(Number), $\s, result(One, World), "\n"] || {Number, One} <- lists:enumerate(Pending)];
results(Pending, World) -> ["  res ", result(Pending, World), "\n"].

result({done, Text}, _) -> Text;
result({asked, Kind, Request}, World) -> result({answered, Kind, gen_server:receive_response(Request, 0)}, World);
result({answered, {Kind, Supervisor}, {reply, Reply}}, World) -> answer(Kind, Supervisor, Reply, World);
result({answered, _, {error, _}}, _) -> "down";
result({answered, _, timeout}, _) -> throw(overdue).

answer(count, _, Counts, _) ->
    ["count", [[$\s, atom_to_binary(What), $=, integer_to_binary(Count)] || {What, Count} <- Counts]];
answer(which, Supervisor, Children, World) ->
    Texts = [Text || {_, Text, _} <- in_order(World, Supervisor, Children)],
    ["which [", lists:join($\s, Texts), "]"];
answer(result, _, ok, _) -> "ok";
answer(result, _, {ok, undefined}, _) -> "ok undefined";
answer(result, _, {ok, Pid}, World) -> ["ok ", name(World, Pid)];
answer(result, _, {error, {already_started, Pid}}, World) -> ["error already_started ", name(World, Pid)];
answer(result, Supervisor, {error, {Reason, Child}}, World) when element(1, Child) =:= child ->
    answer(result, Supervisor, {error, Reason}, World);
answer(result, _, {error, Reason}, _) -> ["error ", oracle_text:shown(Reason)].

%% --- rest, and the tree ---------------------------------------------------------------------------------------------

%% Waits for rest and returns the line of the tree.
rest(World, Root, Launcher) ->
    erlang:yield(),
    Before = ets:info(World#world.log, size),
    Seen = try tree(World, Root) catch throw:again -> again end,
    case Seen =/= again andalso Before =:= ets:info(World#world.log, size) andalso only_known(World, Launcher, Seen) of
        true when Seen =:= dead -> "  tree dead\n";
        true -> ["  tree ", element(1, Seen), "\n"];
        false ->
            oracle_world:fact(World, overdue, false) andalso throw(overdue),
            receive after 1 -> rest(World, Root, Launcher) end
    end.

%% Whether all that lives was seen in the tree, but for orphans that nothing will end.
only_known(World = #world{live = Live}, Launcher, Seen) ->
    Known = case Seen of dead -> [Launcher]; {_, Pids} -> [Launcher | Pids] end,
    ets:info(Live, size) =:= length(Known) orelse
        lists:all(fun(Pid) -> (actor(World, Pid))#actor.stubborn end, [Pid || {Pid} <- ets:tab2list(Live)] -- Known).

%% {Text, Pids} of the tree below a supervisor, or dead for a dead root.
tree(_, none) -> dead;
tree(World, Root) ->
    case is_process_alive(Root) of
        true -> subtree(World, Root);
        false -> dead
    end.

subtree(World, Supervisor) ->
    Children = case gen_server:receive_response(gen_server:send_request(Supervisor, which_children), ?ANSWER_MS) of
        {reply, Reply} -> Reply;
        {error, _} -> throw(again);
        timeout -> throw(overdue)
    end,
    Below = [case Child of
        restarting -> throw(again);
        undefined -> {Text, []};
        _ ->
            is_process_alive(Child) orelse throw(again),
            case actor(World, Child) of
                #actor{kind = work} -> {Text, [Child]};
                _ -> subtree(World, Child)
            end
    end || {_, Text, Child} <- in_order(World, Supervisor, Children)],
    {Texts, Pids} = lists:unzip(Below),
    {[name(World, Supervisor), $[, lists:join($\s, Texts), $]], [Supervisor | lists:append(Pids)]}.

%% The answer to which_children as {Key, Text, Child}: in start order; instances by number, those without process first.
in_order(World, Supervisor, Children) ->
    case actor(World, Supervisor) of
        #actor{kind = sofo} ->
            lists:sort([case Child of
                restarting -> {0, "?:restarting", Child};
                undefined -> {0, "?:-", Child};  % a wart, see oracle.erl
                _ -> {(actor(World, Child))#actor.index, name(World, Child), Child}
            end || {_, Child, _, _} <- Children]);
        _ ->
            [{Id, case Child of
                undefined -> [Id, ":-"];
                restarting -> [Id, ":restarting"];
                _ -> name(World, Child)
            end, Child} || {Id, Child, _, _} <- lists:reverse(Children)]
    end.

actor(#world{actors = Actors}, Pid) -> hd(ets:lookup(Actors, Pid)).

name(World, Pid) ->
    #actor{id = Id, attempt = Attempt} = actor(World, Pid),
    name_of(Id, Attempt).

name_of(Id, Attempt) -> [Id, $#, integer_to_binary(Attempt)].

ancestors(#world{actors = Actors}, Pid) ->
    case ets:lookup(Actors, Pid) of
        [#actor{parent = Parent}] -> [Parent | ancestors(#world{actors = Actors}, Parent)];
        [] -> []
    end.

%% --- the log --------------------------------------------------------------------------------------------------------

%% The lines of everything that happened since the last call: log, orphans, reports. Orphaned supervisors report while
%% their replacements start, in no defined order: their reports come last, sorted.
happened(World) ->
    {Log, Orphans, Reports} = sorted_out(oracle_world:drain(World), World, [], [], []),
    {Late, InOrder} = lists:partition(fun({IsOrphan, _}) -> IsOrphan end, Reports),
    OrphanTexts = [[name_of(Id, Attempt), $=, oracle_text:shown(Reason)] || {{Id, Attempt}, Reason} <- Orphans],
    [[["  ", Text, "\n"] || {_, Text} <- Log],
     [["  orphans ", lists:join($\s, OrphanTexts), "\n"] || OrphanTexts =/= []],
     [["  rep ", Text, "\n"] || {_, Text} <- InOrder ++ lists:sort(Late)]].

sorted_out([], _, Log, Orphans, Reports) -> {lists:reverse(Log), lists:sort(Orphans), lists:reverse(Reports)};
sorted_out([{stop, Pid, Reason} | Rest], World = #world{actors = Actors}, Log, Orphans, Reports) ->
    case ets:lookup(Actors, Pid) of
        [] -> sorted_out(Rest, World, Log, Orphans, Reports);  % the launcher
        [Actor = #actor{id = Id, attempt = Attempt}] ->
            ets:insert(Actors, Actor#actor{dead = true}),
            case is_orphan(World, Pid) of
                true -> sorted_out(Rest, World, Log, [{{Id, Attempt}, Reason} | Orphans], Reports);
                false ->
                    Line = {{stop, Actor}, ["stop ", name_of(Id, Attempt), $\s, oracle_text:shown(Reason)]},
                    sorted_out(Rest, World, [Line | instances_sorted(Actor, Log)], Orphans, Reports)
            end
    end;
sorted_out([{report, Pid, Kind, Id, Count, Reason} | Rest], World, Log, Orphans, Reports) ->
    Times = case Count of one -> []; _ -> [$*, integer_to_binary(Count)] end,
    Text = [name(World, Pid), $\s, atom_to_binary(Kind), $\s, Id, Times, $\s, oracle_text:shown(Reason)],
    sorted_out(Rest, World, Log, Orphans, [{is_orphan(World, Pid), iolist_to_binary(Text)} | Reports]);
sorted_out([Entry | Rest], World, Log, Orphans, Reports) ->
    Line = case Entry of
        {start, Id, Attempt} -> ["start ", name_of(Id, Attempt)];
        {ignore, Id, Attempt} -> ["ignore ", name_of(Id, Attempt)];
        {fail, Id, Attempt, Reason} -> ["fail ", name_of(Id, Attempt), $\s, oracle_text:shown(Reason)];
        {handled, Id, Attempt, Message} -> ["handled ", name_of(Id, Attempt), $\s, Message]
    end,
    sorted_out(Rest, World, [{other, Line} | Log], Orphans, Reports).

is_orphan(World = #world{actors = Actors}, Pid) ->
    lists:any(fun(Ancestor) -> ets:lookup_element(Actors, Ancestor, #actor.dead) end,
              [Ancestor || Ancestor <- ancestors(World, Pid), ets:member(Actors, Ancestor)]).

%% `Log` is newest first and a simple_one_for_one supervisor stops now: the stops of its instances directly before it
%% happened in no defined order.
instances_sorted(#actor{kind = sofo, pid = Supervisor}, Log) ->
    {Instances, Earlier} = lists:splitwith(fun
        ({{stop, #actor{parent = Parent}}, _}) -> Parent =:= Supervisor;
        (_) -> false
    end, Log),
    Key = fun({{stop, #actor{index = K, attempt = Attempt}}, _}) -> {K, Attempt} end,
    lists:sort(fun(Left, Right) -> Key(Left) >= Key(Right) end, Instances) ++ Earlier;
instances_sorted(_, Log) -> Log.
