%% oracle_text: scenario files into terms, and reasons between text and terms.
%% Always true: an unreadable scenario ends in throw({unreadable, Why}), never in a guess.
-module(oracle_text).
-export([scenario/1, definition/3, reason/1, shown/1]).

%% Returns #{name, root (a definition), plans ([{Id, Letters}]), events ([[Token]], a batch as [[Token], [[Token]]])}.
scenario(Text) ->
    Lines = [Tokens || Line <- binary:split(Text, <<"\n">>, [global]), (Tokens = tokens(Line)) =/= []],
    {Head, Rest} = lists:splitwith(fun(Tokens) -> Tokens =/= [<<"run">>] end, Lines),
    Rest =/= [] orelse throw({unreadable, "no line 'run'"}),
    Names = [Name || [<<"scenario">>, Name] <- Head],
    Names =/= [] orelse throw({unreadable, "no line 'scenario NAME'"}),
    Declared = [declaration(Line) || Line = [Word | _] <- Head, Word =/= <<"scenario">>, Word =/= <<"tags">>],
    Root = case [Definition || {<<"-">>, Definition, _} <- Declared] of
        [One = #{what := sup}] -> One;
        _ -> throw({unreadable, "there must be one supervisor with parent=-"})
    end,
    #{name => hd(Names), root => nested(Root, Declared), plans => [Plan || {_, _, Plan} <- Declared, Plan =/= none],
      events => events(tl(Rest))}.

tokens(Line) ->
    [Code | _] = binary:split(Line, <<"#">>),
    binary:split(Code, [<<" ">>, <<"\t">>, <<"\r">>], [global, trim_all]).

nested(Definition = #{what := sup, id := Id}, Declared) ->
    Definition#{children => [nested(Child, Declared) || {Parent, Child, _} <- Declared, Parent =:= Id]};
nested(Definition, _) -> Definition.

declaration([Word, Id | Attributes]) ->
    {Definition, Plan} = definition(Word, Id, Attributes),
    case [Parent || <<"parent=", Parent/binary>> <- Attributes] of
        [Parent] -> {Parent, Definition, Plan};
        _ -> throw({unreadable, ["no parent= for ", Id]})
    end;
declaration([Word]) -> throw({unreadable, Word}).

%% {Definition, {Id, Letters} | none} of `sup|work|tmpl ID ATTRIBUTE...`.
definition(Word, Id, Attributes) ->
    Pairs = maps:from_list([case binary:split(Attribute, <<"=">>) of
        [Key, Value] -> {Key, Value};
        _ -> throw({unreadable, Attribute})
    end || Attribute <- Attributes]),
    Plan = case Pairs of #{<<"plan">> := Letters} -> {Id, Letters}; _ -> none end,
    Child = present(Pairs, [{<<"restart">>, restart}, {<<"shutdown">>, shutdown}, {<<"significant">>, significant}]),
    Flags = present(Pairs, [{<<"strategy">>, strategy}, {<<"intensity">>, intensity}, {<<"period">>, period},
                            {<<"auto">>, auto_shutdown}]),
    Behaviour = #{trap => flag(<<"trap">>, Pairs), stubborn => flag(<<"stubborn">>, Pairs),
                  slow => number_or_word(maps:get(<<"slow">>, Pairs, <<"0">>)),
                  exit => case Pairs of #{<<"exit">> := Reason} -> reason(Reason); _ -> none end},
    case Word of
        <<"sup">> -> {#{what => sup, id => Id, child => Child, flags => Flags, children => []}, Plan};
        _ when Word =:= <<"work">>; Word =:= <<"tmpl">> ->
            {#{what => work, id => Id, child => Child, behaviour => Behaviour}, Plan};
        _ -> throw({unreadable, Word})
    end.

present(Pairs, Keys) ->
    maps:from_list([{Name, number_or_word(maps:get(Key, Pairs))} || {Key, Name} <- Keys, maps:is_key(Key, Pairs)]).
flag(Key, Pairs) -> maps:get(Key, Pairs, <<"0">>) =:= <<"1">>.

number_or_word(Text) ->
    try binary_to_integer(Text) catch error:badarg -> binary_to_atom(Text) end.

events([[<<"end">>] | _]) -> [];
events([Batch = [<<"batch">>, _, Count] | Rest]) ->
    Length = number_or_word(Count),
    is_integer(Length) andalso Length =< length(Rest) orelse throw({unreadable, "batch without its lines"}),
    {Operations, Further} = lists:split(Length, Rest),
    [{Batch, Operations} | events(Further)];
events([Event | Rest]) -> [Event | events(Rest)];
events([]) -> throw({unreadable, "no line 'end'"}).

%% --- reasons --------------------------------------------------------------------------------------------------------

reason(<<"shutdown:", Term/binary>>) -> {shutdown, binary_to_atom(Term)};
reason(Word) -> binary_to_atom(Word).

%% A reason as traces show it: what OTP adds for people (offending terms, stack traces) is left out.
shown({failed_to_start_child, Id, Reason}) -> ["failed_to_start(", shown(Id), ",", shown(Reason), ")"];
shown({bad_start_spec, _}) -> "bad_start_spec";
shown({bad_combination, _}) -> "bad_combination";
shown({invalid_child_spec, _}) -> "invalid_child_spec";
shown({Error, [{_, _, _, _} | _]}) -> shown(Error);
shown({First, Second}) -> [shown(First), ":", shown(Second)];
shown(Id) when is_binary(Id) -> Id;
shown(Number) when is_integer(Number) -> integer_to_binary(Number);
shown(Word) when is_atom(Word) -> atom_to_binary(Word);
shown(Other) -> io_lib:format("~0tp", [Other]).
