%% oracle_supervisor_copy: the supervisor of the installed OTP with a clock that scenarios can move.
%% Why:  an intensity window is seconds long and a scenario must take milliseconds.
%% How:  the code of supervisor.beam, as its debug information has it, is compiled again under the name
%%       `otp_supervisor` with exactly one change: the call erlang:monotonic_time(1), which reads the time of a
%%       restart in whole seconds, asks oracle_world:seconds() instead. Everything else is OTP's own code. (Only the
%%       attribute -module is renamed; reports and gen_server calls name `supervisor` inside data alone.)
%% Always true: loading fails unless that call was found exactly once.
-module(oracle_supervisor_copy).
-export([load/0]).

-spec load() -> ok.
load() ->
    {ok, {supervisor, [{abstract_code, {raw_abstract_v1, Forms}}]}} =
        beam_lib:chunks(code:which(supervisor), [abstract_code]),
    {Changed, 1} = with_our_clock([renamed(Form) || Form <- Forms], 0),
    {ok, otp_supervisor, Binary} = compile:forms(Changed, [nowarn_opaque]),
    {module, otp_supervisor} = code:load_binary(otp_supervisor, "supervisor.beam", Binary),
    ok.

renamed({attribute, Where, module, supervisor}) -> {attribute, Where, module, otp_supervisor};
renamed(Form) -> Form.

%% Replaces the clock call wherever it stands and counts how often it did.
with_our_clock({call, Where, {remote, _, {atom, _, erlang}, {atom, _, monotonic_time}}, [{integer, _, 1}]}, Count) ->
    {{call, Where, {remote, Where, {atom, Where, oracle_world}, {atom, Where, seconds}}, []}, Count + 1};
with_our_clock(Form, Count) when is_tuple(Form) ->
    {Parts, Counted} = with_our_clock(tuple_to_list(Form), Count),
    {list_to_tuple(Parts), Counted};
with_our_clock([First | Rest], Count) ->
    {ChangedFirst, AfterFirst} = with_our_clock(First, Count),
    {ChangedRest, Counted} = with_our_clock(Rest, AfterFirst),
    {[ChangedFirst | ChangedRest], Counted};
with_our_clock(Form, Count) -> {Form, Count}.
