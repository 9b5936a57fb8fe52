%% oracle_world: the processes of a scenario: start functions, the supervisors' callback, workers, the death watch.
%% Why:  the log must be in exact causal order, deaths by `kill` included, and nothing may be waited for in vain.
%% How:  every line gets a strictly monotonic stamp where it happens: start lines inside the supervisor (start
%%       functions run there), reports inside the supervisor too (a logger handler runs in the process that logs), and
%%       deaths by tracing, whose stamp is taken in the dying process before its links and monitors hear of it.
%%       Everything here runs at priority high and the driver at normal, on one scheduler thread: whenever the driver
%%       runs, nothing here can run, so whatever is still to happen waits for a timer.
-module(oracle_world).
-include("oracle_world.hrl").
-export([new/0, launch/2, destroy/1, drain/1]).
-export([seconds/0, advance/2, set_plan/3, child_spec/2, current/2, fact/3, set_fact/3]).
-export([start_work/2, start_work/3, start_sup/2, start_sup/3, init/1, log/2]).

-define(TIME_BOX_MS, 20000).

%% --- a world, and the process above its root ------------------------------------------------------------------------

new() ->
    Table = fun(Name, Options) -> ets:new(Name, [public | Options]) end,
    #world{log = Table(log, [ordered_set]), actors = Table(actors, [{keypos, #actor.pid}]), live = Table(live, []),
           facts = Table(facts, []), clock = atomics:new(1, [])}.

%% Starts the root. Returns {Launcher, {ok, Root} | {error, Reason}}; the launcher lives on as the root's parent.
launch(World, RootDefinition) ->
    Driver = self(),
    Watch = spawn_opt(fun() -> watch_begin(World) end, [{priority, max}]),
    Launcher = spawn_opt(fun() -> launcher(Driver, World, RootDefinition) end, [{priority, high}]),
    ets:insert(World#world.live, {Launcher}),
    erlang:trace(Launcher, true, [procs, set_on_spawn, strict_monotonic_timestamp, {tracer, Watch}]),
    Launcher ! go,
    receive {Launcher, Result} -> {{Launcher, Watch}, Result} end.

launcher(Driver, World, Definition) ->
    process_flag(trap_exit, true),
    put(world, World),
    receive go -> ok end,
    Driver ! {self(), try start_sup(World, Definition) catch throw:Reason -> {error, Reason} end},
    idle().

idle() -> receive _ -> idle() end.

%% Ends all processes of the world, however busy they are.
destroy({World, Watch}) ->
    Watch ! {destroy, self()},
    receive {Watch, destroyed} -> ok end,
    [ets:delete(Table) || Table <- [World#world.log, World#world.actors, World#world.live, World#world.facts]],
    ok.

%% The death watch takes the traces. It is of priority max, so that it can end a world that never rests.
watch_begin(World) ->
    erlang:send_after(?TIME_BOX_MS, self(), overdue),
    watch(World).

watch(World = #world{log = Log, live = Live, facts = Facts}) ->
    receive
        {trace_ts, Pid, exit, Reason, Stamp} ->
            ets:delete(Live, Pid),
            ets:delete(Facts, {dying, Pid}),
            ets:insert(Log, {Stamp, {stop, Pid, Reason}}),
            watch(World);
        {trace_ts, _, _, _, _} -> watch(World);
        {trace_ts, _, _, _, _, _} -> watch(World);
        overdue ->
            ets:insert(Facts, {overdue, true}),
            kill_all(World),
            watch(World);
        {destroy, From} ->
            kill_all(World),
            From ! {self(), destroyed}
    end.

%% Supervisors could start more while we kill, so until none is left.
kill_all(World = #world{live = Live}) ->
    case ets:tab2list(Live) of
        [] -> ok;
        Pids ->
            Monitors = [begin exit(Pid, kill), erlang:monitor(process, Pid) end || {Pid} <- Pids],
            [receive {'DOWN', Monitor, process, Pid, _} -> ets:delete(Live, Pid) end || Monitor <- Monitors],
            kill_all(World)
    end.

%% --- the log --------------------------------------------------------------------------------------------------------

note(#world{log = Log}, Entry) ->
    ets:insert(Log, {{erlang:monotonic_time(), erlang:unique_integer([monotonic])}, Entry}).

%% Takes what happened since the last time, in order.
drain(#world{log = Log}) ->
    Entries = [Entry || {_, Entry} <- ets:tab2list(Log)],
    ets:delete_all_objects(Log),
    Entries.

%% The logger handler: supervisor reports, in the process of the supervisor that reports.
log(#{msg := {report, #{label := {supervisor, Kind}, report := Report}}}, _Config) ->
    case get(world) of
        undefined -> ok;
        World ->
            Offender = proplists:get_value(offender, Report, []),
            note(World, {report, self(), Kind, proplists:get_value(id, Offender),
                         proplists:get_value(nb_children, Offender, one), proplists:get_value(reason, Report)})
    end;
log(_Event, _Config) -> ok.

%% --- facts ----------------------------------------------------------------------------------------------------------

%% The clock of the supervisor that asks (see oracle_supervisor_copy).
seconds() -> atomics:get((get(world))#world.clock, 1).

advance(#world{clock = Clock}, Seconds) -> atomics:add(Clock, 1, Seconds).

fact(#world{facts = Facts}, Key, Default) ->
    case ets:lookup(Facts, Key) of [{_, Value}] -> Value; [] -> Default end.

set_fact(#world{facts = Facts}, Key, Value) -> ets:insert(Facts, {Key, Value}).

set_plan(World, Id, Letters) -> set_fact(World, {plan, Id}, binary_to_list(Letters)).

%% The newest process of that id, if it is alive.
current(World, Id) ->
    case fact(World, {current, Id}, none) of
        none -> none;
        Pid -> case is_process_alive(Pid) of true -> Pid; false -> none end
    end.

register_actor(World = #world{actors = Actors, live = Live}, Actor = #actor{pid = Pid, id = Id}) ->
    ets:insert(Actors, Actor),
    ets:insert(Live, {Pid}),
    set_fact(World, {current, Id}, Pid).

%% Takes one letter off the plan of `Id`, which is its own or else that of its template.
outcome(World, Id, Template) ->
    Key = case fact(World, {plan, Id}, none) of none -> {plan, Template}; _ -> {plan, Id} end,
    case fact(World, Key, "") of
        [Letter, $*] -> Letter;
        [Letter | Rest] -> set_fact(World, Key, Rest), Letter;
        "" -> $o
    end.

%% --- start functions: they run inside the supervisor ----------------------------------------------------------------

%% Attributes that a scenario leaves out are left out here too: OTP's own defaults apply.
child_spec(World, Definition = #{id := Id, what := What, child := Attributes}) ->
    {Function, Type} = case What of sup -> {start_sup, supervisor}; _ -> {start_work, worker} end,
    Attributes#{id => Id, start => {?MODULE, Function, [World, Definition]}, type => Type}.

start_work(World, Definition) -> start_work(World, Definition, none).
start_work(World, Definition = #{behaviour := Behaviour}, K) ->
    attempt(World, Definition, K, fun(Id, Attempt) ->
        Parent = self(),
        Name = {Id, Attempt},
        Pid = spawn_opt(fun() -> worker_begin(World, Name, Parent, Behaviour) end, [link, {priority, high}]),
        register_actor(World, #actor{pid = Pid, id = Id, attempt = Attempt, parent = Parent, kind = work, index = K,
                                     stubborn = maps:get(stubborn, Behaviour)}),
        note(World, {start, Id, Attempt}),
        receive {Pid, ready} -> {ok, Pid} end  % as proc_lib does: it traps exits before its supervisor goes on
    end).

%% What supervisor:start_link/2 does, but for the name of the copy and the priority. OTP 25 sends the answer of a
%% failing init before the process ends, newer ones after it; the order is made that of the newer ones.
start_sup(World, Definition) -> start_sup(World, Definition, none).
start_sup(World, Definition, K) ->
    attempt(World, Definition, K, fun(Id, Attempt) ->
        Arguments = {World, Definition, Id, Attempt, self(), K},
        case gen_server:start_link(otp_supervisor, {self, ?MODULE, Arguments}, [{spawn_opt, [{priority, high}]}]) of
            {ok, Pid} -> {ok, Pid};
            Error ->
                Monitor = monitor(process, fact(World, {current, Id}, none)),
                receive {'DOWN', Monitor, process, _, _} -> Error end
        end
    end).

attempt(World = #world{facts = Facts}, #{id := Template}, K, Start) ->
    Id = case K of none -> Template; _ -> iolist_to_binary([Template, $., integer_to_binary(K)]) end,
    Attempt = ets:update_counter(Facts, {attempts, Id}, 1, {{attempts, Id}, 0}),
    case outcome(World, Id, Template) of
        $o -> Start(Id, Attempt);
        $e -> note(World, {fail, Id, Attempt, start_error}), {error, start_error};
        $x -> note(World, {fail, Id, Attempt, start_crash}), throw(start_crash);
        $i -> note(World, {ignore, Id, Attempt}), ignore
    end.

%% The callback of every supervisor.
init({World, #{flags := Flags, children := Children}, Id, Attempt, Parent, K}) ->
    put(world, World),
    {Kind, Template} = case {Flags, Children} of
        {#{strategy := simple_one_for_one}, [#{id := TemplateId} | _]} -> {sofo, TemplateId};
        {#{strategy := simple_one_for_one}, []} -> {sofo, none};
        _ -> {sup, none}
    end,
    register_actor(World, #actor{pid = self(), id = Id, attempt = Attempt, parent = Parent, kind = Kind, index = K,
                                 template = Template}),
    note(World, {start, Id, Attempt}),
    {ok, {Flags, [child_spec(World, Child) || Child <- Children]}}.

%% --- workers --------------------------------------------------------------------------------------------------------

worker_begin(World, Name, Parent, Behaviour = #{trap := Trap}) ->
    process_flag(trap_exit, Trap),
    Parent ! {self(), ready},
    worker(World, Name, Parent, Behaviour).

worker(World, Name = {Id, Attempt}, Parent, Behaviour) ->
    receive
        {exit, Reason} -> exit(Reason);
        {message, Text} ->
            note(World, {handled, Id, Attempt, Text}),
            worker(World, Name, Parent, Behaviour);
        {'EXIT', Parent, Reason} ->
            case Behaviour of
                #{stubborn := true} -> worker(World, Name, Parent, Behaviour);
                #{slow := Slow, exit := Own} ->
                    set_fact(World, {dying, self()}, true),
                    receive after Slow -> ok end,
                    exit(case Own of none -> Reason; _ -> Own end)
            end;
        {'EXIT', _Stranger, _Reason} -> worker(World, Name, Parent, Behaviour)
    end.
