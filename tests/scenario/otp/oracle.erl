%% oracle: what real Erlang/OTP does with scenario files. Run it through run.sh or compare.sh.
%% Usage: oracle [--write] [--times N] [--differences N] FOLDER_OR_FILE...
%%   --write           writes NAME.otp beside each NAME.scn
%%   --times N         runs each scenario N times; a trace that changes is an error of the oracle
%%   --differences N   shows that many unified diffs (3) of NAME.expected against OTP's trace
%% Left out of the comparison are scenarios that meet a wart of OTP which nobody should copy: an instance of a
%% simple_one_for_one supervisor whose restart is ignored stays as a child without a process (the tree shows `?:-`), and
%% the supervisor's stop crashes on it.
%% Exit code 1 when a trace differs from its NAME.expected or from itself; `rep` lines count if NAME.expected has one.
-module(oracle).
-export([main/0]).

-define(AT_ONCE, 64).  % scenarios that run side by side: while one waits for a timer, others go on

main() ->
    Options = options(init:get_plain_arguments(), #{write => false, times => 1, differences => 3, paths => []}),
    quiet(),
    ok = oracle_supervisor_copy:load(),
    ok = code:ensure_modules_loaded([oracle_world, oracle_run, oracle_text, sys]),  % no world waits for the loader
    Files = lists:append([files(Path) || Path <- lists:reverse(maps:get(paths, Options))]),
    Files =/= [] orelse complain("no scenario files"),
    {MicroSeconds, Traces} = timer:tc(fun() -> traces(Files, maps:get(times, Options)) end),
    [file:write_file(beside(File, ".otp"), Trace) || maps:get(write, Options), {File, [Trace | _]} <- Traces],
    Unstable = [File || {File, [_, _ | _]} <- Traces],
    [io:format("UNSTABLE ~ts~n~ts", [File, difference(First, Second)]) || {File, [First, Second | _]} <- Traces],
    Warts = [File || {File, [Trace | _]} <- Traces, binary:match(Trace, <<"?:-">>) =/= nomatch],
    Compared = [{File, Trace, Expected} || {File, [Trace | _]} <- Traces, not lists:member(File, Warts),
                                           {ok, Expected} <- [file:read_file(beside(File, ".expected"))]],
    Different = [One || One = {_, Trace, Expected} <- Compared, not same(Trace, Expected)],
    [io:format("~n~ts: expected (-), OTP (+)~n~ts", [File, difference(Expected, Trace)])
     || {File, Trace, Expected} <- lists:sublist(Different, maps:get(differences, Options))],
    Different =:= [] orelse io:format("~ndifferent:~ts~n", [[[$\s, name(File)] || {File, _, _} <- Different]]),
    io:format("~b scenarios, ~b compared, ~b different, ~b unstable, ~b left out, ~b per second~n",
              [length(Traces), length(Compared), length(Different), length(Unstable), length(Warts),
               round(length(Traces) * maps:get(times, Options) * 1000000 / MicroSeconds)]),
    halt(if Different =:= [], Unstable =:= [] -> 0; true -> 1 end).

options(["--write" | Rest], Options) -> options(Rest, Options#{write := true});
options(["--times", Number | Rest], Options) -> options(Rest, Options#{times := list_to_integer(Number)});
options(["--differences", Number | Rest], Options) -> options(Rest, Options#{differences := list_to_integer(Number)});
options([Path | Rest], Options = #{paths := Paths}) -> options(Rest, Options#{paths := [Path | Paths]});
options([], Options) -> Options.

complain(Text) -> io:format(standard_error, "oracle: ~ts~n", [Text]), halt(2).

files(Path) ->
    case filelib:is_dir(Path) of
        true -> lists:sort(filelib:wildcard(filename:join(Path, "*.scn")));
        false -> [Path]
    end.

beside(File, Extension) -> filename:rootname(File) ++ Extension.
name(File) -> filename:basename(File, ".scn").

%% Supervisors' reports go to the log of their scenario, and nothing to the terminal.
quiet() ->
    ok = logger:set_primary_config(level, error),
    ok = logger:remove_handler(default),
    ok = logger:add_handler(oracle, oracle_world, #{}).

%% --- running --------------------------------------------------------------------------------------------------------

%% [{File, Traces}] in the order of the files, where Traces are the different traces seen: one, if all is well.
traces(Files, Times) ->
    Keyed = run([], [{{Number, File}, File} || {Number, File} <- lists:enumerate(Files), _ <- lists:seq(1, Times)], []),
    [{File, lists:usort([Trace || {Key, Trace} <- Keyed, Key =:= {Number, File}])}
     || {Number, File} <- lists:enumerate(Files)].

run([], [], Done) -> Done;
run(Running, [{Key, File} | Waiting], Done) when length(Running) < ?AT_ONCE ->
    {_, Monitor} = spawn_monitor(fun() -> exit({trace, trace(File)}) end),
    run([{Monitor, Key} | Running], Waiting, Done);
run(Running, Waiting, Done) ->
    receive
        {'DOWN', Monitor, process, _, Reason} ->
            {value, {_, Key}, Others} = lists:keytake(Monitor, 1, Running),
            Trace = case Reason of
                {trace, Text} -> Text;
                _ -> iolist_to_binary(io_lib:format("error of the oracle: ~tp~n", [Reason]))
            end,
            run(Others, Waiting, [{Key, Trace} | Done])
    end.

trace(File) ->
    case file:read_file(File) of
        {ok, Text} -> iolist_to_binary(oracle_run:trace(Text));
        {error, Why} -> iolist_to_binary(["unreadable: ", file:format_error(Why), "\n"])
    end.

%% --- comparing ------------------------------------------------------------------------------------------------------

same(Trace, Trace) -> true;
same(Trace, Expected) ->
    binary:match(Expected, <<"\n  rep ">>) =:= nomatch andalso without_reports(Trace) =:= Expected.

without_reports(Trace) ->
    iolist_to_binary([[Line, "\n"] || Line <- binary:split(Trace, <<"\n">>, [global]),
                      Line =/= <<>>, string:prefix(Line, "  rep ") =:= nomatch]).

difference(Old, New) ->
    Folder = string:trim(os:cmd("mktemp -d")),
    [OldFile, NewFile] = [filename:join(Folder, Name) || Name <- ["old", "new"]],
    ok = file:write_file(OldFile, Old),
    ok = file:write_file(NewFile, New),
    Text = os:cmd("diff -U 6 " ++ OldFile ++ " " ++ NewFile ++ " | tail -n +3"),
    [ok = file:delete(File) || File <- [OldFile, NewFile]],
    ok = file:del_dir(Folder),
    Text.
