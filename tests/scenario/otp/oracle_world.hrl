%% The tables and the clock of one running scenario; every process of it knows them.
-record(world, {
    log,     % ordered_set of {Stamp, Entry}: what happened since the last event
    actors,  % set of #actor{}: every process that ever ran
    live,    % set of {Pid}: those that run now, launcher included
    facts,   % set of {Key, Value}; keys are {plan|attempts|current, Id}, {spawned, Template}, {dying, Pid}, overdue
    clock    % atomics, one cell: seconds of the restart clock
}).

-record(actor, {
    pid,
    id,                % binary, as in the scenario; an instance of a template is <<"t.K">>
    attempt,           % the n of X#n
    parent,            % pid of its supervisor, of the launcher for the root
    kind,              % work | sup | sofo
    index = 0,         % K of an instance
    template = none,   % of a simple_one_for_one supervisor: the id of its template
    stubborn = false,  % ignores its parent's exit signal, so it outlives a killed parent
    dead = false       % set when its stop line is taken from the log
}).
