#!/usr/bin/env perl
# planted.pl: breaks one promise at a time in a copy of the tree, and looks whether the tests notice. `./dev planted` calls it.
#
#   planted.pl [--quick] [--resume] [--list] [NAME...]   NAME: a mutant, a suite, or a part of the path of a mutated file
#   planted.pl --check [BIN]                             only whether each mutant fits: its text stands once in its file, and
#                                                        its filter finds tests of its suite in the programs of BIN
#
# How: the copy is built with the flags and at the place (seen from the sources) of build/release, so that ccache has what
#      ./dev has built there, and what was there before a mutant. Of a suite only the test files that the filter needs are
#      linked. Mutants of one file come one after the other; those of headers come last, since for each of them much is
#      compiled. A suite that fails without a mutant is said to, and catches nothing.
# Always true:  (P1) the tree itself is never changed, only the copy in build/planted
#               (P2) a result counts only for the texts it was made of (--resume): mutant, mutated file, tests of the suite
use strict;
use warnings;
use Cwd qw(getcwd);
use Digest::SHA qw(sha1_hex);
use Fcntl qw(:flock);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use List::Util qw(max sum0);

$| = 1;
chdir dirname(__FILE__) . '/../..' or die;
my ($work, $src, $tree) = ('build/planted', 'build/planted/src', 'build/planted/src/build/release');
$ENV{CCACHE_BASEDIR}   = getcwd . "/$src";
$ENV{CCACHE_NOHASHDIR} = 1;
# Suites that are no GoogleTest program: what is built, what is run (%s: the folder of the programs), how a failure begins.
my %scripts = (
    instructions => {
        targets => 'instruction_counts',
        run     => 'bench/instructions/check.sh %s/instruction_counts',
        failure => qr/^([a-z_]+) .* \+[0-9.]+ %  MORE$/m,
    },
    gdb => {
        targets => 'gdb_subject gdb_replayed orrery-tool',
        run => 'bash tests/gdb/gdb.sh "$PWD/testkit/gdb/orrery.py" %s/gdb_subject %s/gdb_replayed %s/orrery %s/../gdb',
        failure => qr/^FAILED: (.*)$/m,
    },
);
my $jobs = $ENV{JOBS} || `nproc` + 0;
my $seconds_max = 300;    # of one run, which takes seconds; a mutant that makes tests wait for ever is caught by that

sub text_of {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "planted: cannot read $path\n";
    local $/;
    return scalar <$in>;
}
sub write_text {
    my ($path, $text) = @_;
    make_path dirname $path;
    open my $out, '>:raw', $path or die "planted: cannot write $path\n";
    print $out $text;
    close $out or die "planted: cannot write $path\n";
}

# ---- the mutants ----------------------------------------------------------------------------------------------------

my @mutants;
for my $path (sort glob 'tests/planted/*.mutant') {
    my $text   = text_of $path;
    my %mutant = (name => basename($path, '.mutant'), text => $text, wrong => '');
    for my $key (qw(file suite filter breaks)) {
        ($mutant{$key}) = $text =~ /^$key: (.*)$/m;
        if (!defined $mutant{$key}) { ($mutant{$key}, $mutant{wrong}) = ('', "has no $key:") }
    }
    if ($text =~ /^<<<<\n(.*?)\n====\n(.*?)\n?>>>>$/ms) { @mutant{qw(old new)} = ($1, $2) }
    else                                               { $mutant{wrong} = 'has no <<<< ==== >>>>' }
    if (!$mutant{wrong} && !-f $mutant{file}) { $mutant{wrong} = "there is no $mutant{file}" }
    if (!$mutant{wrong}) {
        my $count = () = text_of($mutant{file}) =~ /\Q$mutant{old}\E/g;
        $mutant{wrong} = "its text stands $count times in $mutant{file}, not once" if $count != 1;
        $mutant{wrong} = 'changes nothing'                                          if $mutant{old} eq $mutant{new};
    }
    if (!$mutant{wrong} && !$scripts{$mutant{suite}} && !(() = glob "tests/$mutant{suite}/*_test.cpp")) {
        $mutant{wrong} = "there is no suite $mutant{suite}";
    }
    push @mutants, \%mutant;
}

# ---- --check --------------------------------------------------------------------------------------------------------

sub check {
    my ($bin) = @_;
    my ($unseen, $failures, %finds) = (0, 0);
    for my $mutant (@mutants) {
        my $program = "$bin/$mutant->{suite}_test";
        if (!$mutant->{wrong} && !$scripts{$mutant->{suite}}) {
            if (!-x $program) { ++$unseen }
            else {
                my $key = "$program $mutant->{filter}";
                $finds{$key} //= grep { /^  \S/ } readpipe "'$program' --gtest_list_tests '--gtest_filter=$mutant->{filter}'";
                $mutant->{wrong} = "its filter finds no test of $mutant->{suite}" unless $finds{$key};
            }
        }
        next unless $mutant->{wrong};
        ++$failures;
        print "$mutant->{name}: $mutant->{wrong}\n";
    }
    printf "%d mutants, %d do not fit%s\n", scalar @mutants, $failures,
      $unseen ? ", filters of $unseen not looked at: their suites are not built in $bin" : '';
    exit($failures ? 1 : 0);
}

# ---- which, and in which order --------------------------------------------------------------------------------------

my (%flags, @wanted);
for my $argument (@ARGV) {
    if   ($argument =~ /^--(check|quick|resume|list)$/) { $flags{$1} = 1 }
    elsif ($argument =~ /^-/) { print STDERR "planted: unknown flag $argument\n"; exit 2 }
    else { push @wanted, $argument =~ s/\.mutant$//r }
}
check($wanted[0] // 'build/release/bin') if $flags{check};

my @chosen = @mutants;
if (@wanted) {
    my %taken;
    for my $word (@wanted) {
        my @found = grep { $_->{name} eq $word } @mutants;
        @found = grep { $_->{suite} eq $word } @mutants             unless @found;
        @found = grep { index($_->{file}, $word) >= 0 } @mutants    unless @found;
        if (!@found) { print STDERR "planted: '$word' is no mutant, no suite and in no file\n"; exit 2 }
        $taken{ $_->{name} } = 1 for @found;
    }
    @chosen = grep { $taken{ $_->{name} } } @mutants;
}

# How many files a header is compiled into, through others too.
my %included_by;
sub weight {
    my ($file) = @_;
    return 0 if $file !~ /\.hpp$/;
    if (!%included_by) {
        my @lines = readpipe q(grep -rEo '^#include "[^"]+"' --include=*.hpp --include=*.cpp runtime sim testkit props);
        for (@lines) { push @{ $included_by{$2} }, $1 if /^([^:]+):#include "(?:\w+\/)?(orrery\/[^"]+)"/ }
        # A path is named from its layer's folder.
    }
    my ($count, @open, %seen) = (0, $file);
    while (my $at = shift @open) {
        ++$count;
        push @open, grep { !$seen{$_}++ } @{ $included_by{ $at =~ s/^\w+\///r } || [] };
    }
    return $count;
}
my %weights = map { $_->{file} => weight($_->{file}) } @chosen;
@chosen = sort {
         $weights{ $a->{file} } <=> $weights{ $b->{file} }
      || $a->{file} cmp $b->{file}
      || $a->{suite} cmp $b->{suite}
      || $a->{name} cmp $b->{name}
} @chosen;
if ($flags{quick}) {    # one of each suite, the cheapest
    my %seen;
    @chosen = grep { !$seen{ $_->{suite} }++ } @chosen;
}
if ($flags{list}) {
    printf "%-44s %-16s %s\n", $_->{name}, $_->{suite}, $_->{file} for @chosen;
    exit 0;
}

# ---- the copy -------------------------------------------------------------------------------------------------------

make_path $work;
open my $lock, '>', "$work/lock" or die "planted: cannot write $work/lock\n";
if (!flock $lock, LOCK_EX | LOCK_NB) { print STDERR "planted: another one is at work in $work\n"; exit 2 }

# Files that are the same keep their time, so that only what a mutant has changed is compiled.
for my $file (split /\0/, readpipe 'git ls-files -z --cached --others --exclude-standard') {
    next unless -f $file;
    my $text = text_of $file;
    next if -f "$src/$file" && text_of("$src/$file") eq $text;
    write_text "$src/$file", $text;
    chmod 0755, "$src/$file" if -x $file;
}
# CMake does not look for what has gone.
for my $file (split /\0/, readpipe "cd $src && find . -path ./build -prune -o -type f -print0") {
    unlink "$src/$file" unless -f $file;
}
sub configure {
    my $command = "cd $src && cmake --preset release -Wno-dev -DORRERY_BUILD_EXAMPLES=OFF";
    system("( $command ) > $work/configure.log 2>&1") == 0 or die "planted: cannot configure, see $work/configure.log\n";
}
make_path "$tree/bin", "$work/results", "$work/log";

# ---- building and running -------------------------------------------------------------------------------------------

# The test files of the suite in which the filter's tests are; all, when that cannot be told.
sub files_for {
    my ($mutant) = @_;
    my @all = sort glob "tests/$mutant->{suite}/*_test.cpp";
    my ($positive) = split /-/, $mutant->{filter};
    my %needed;
    for my $pattern (split /:/, $positive) {
        my ($suite) = $pattern =~ /^([^.]*)/;
        $suite =~ s/^[^\/]*\///;    # Prefix/Suite
        $suite =~ s/\/.*$//;        # Suite/0
        return @all if $suite eq '' || $suite =~ /[*?]/;
        my @having = grep { text_of($_) =~ /\b\Q$suite\E\b/ } @all;
        return @all unless @having;
        $needed{$_} = 1 for @having;
    }
    return sort keys %needed;
}

sub logged {    # LOG COMMAND: runs it and returns its exit code
    my ($log, $command) = @_;
    return system("( $command ) >> '$log' 2>&1") >> 8;
}

my %links;      # suite => its link command and the objects in it

# Returns: a command that builds the program, and its path.
sub how_to_build {
    my ($mutant) = @_;
    my $suite = $mutant->{suite};
    if (my $script = $scripts{$suite}) {
        return ("cmake --build $tree --parallel $jobs --target $script->{targets}", $suite);
    }
    $links{$suite} //= do {
        my ($line) = reverse grep { /-o bin\/${suite}_test\b/ } readpipe "ninja -C $tree -t commands ${suite}_test";
        defined $line ? $line =~ s/^:\s*&&\s*//r =~ s/\s*&&\s*:\s*$//r : '';
    };
    my @needed  = map { basename $_ } files_for($mutant);
    my %keep    = map { $_ => 1 } @needed;
    my @objects = $links{$suite} =~ /(\S+\.cpp\.o)(?=\s)/g;
    my @left_out = grep { /([^\/]+_test\.cpp)\.o$/ && !$keep{$1} } @objects;
    my $own_tests = grep { /_test\.cpp\.o$/ } @objects;
    if (!$own_tests || !@left_out || $own_tests == @left_out) {
        return ("cmake --build $tree --parallel $jobs --target ${suite}_test", "$tree/bin/${suite}_test");
    }
    my %out     = map { $_ => 1 } @left_out;
    my $part    = $suite . '_' . substr sha1_hex(join ' ', @needed), 0, 8;
    my $command = join ' ', grep { !$out{$_} } split ' ', $links{$suite};
    $command =~ s/-o bin\/${suite}_test\b/-o bin\/$part/;
    my @inputs = grep { /\.(?:o|a)$/ && !/^\// && !$out{$_} } split ' ', $links{$suite};
    return ("ninja -C $tree -j $jobs @inputs && cd $tree && $command", "$tree/bin/$part");
}

sub run_command {
    my ($mutant, $filter, $program) = @_;
    if (my $script = $scripts{$mutant->{suite}}) {
        return "cd $src && timeout $seconds_max " . $script->{run} =~ s/%s/getcwd . "\/$tree\/bin"/ger;
    }
    return "cd $src && ORRERY_TEST_SCALE=short timeout $seconds_max ../../../$program --gtest_fail_fast '--gtest_filter=$filter'";
}

# Builds what the mutant needs without it, and runs what will be asked of that program.    Returns: what is wrong, or nothing.
my %sound;
sub sound {
    my ($mutant, $build, $program, $log) = @_;
    my $key = "$program $mutant->{filter}";
    return $sound{$key} if defined $sound{$key};
    return $sound{$key} = 'DOES NOT BUILD WITHOUT IT' if logged($log, $build) != 0;
    my $code = logged($log, run_command($mutant, $mutant->{filter}, $program));
    return $sound{$key} = $code == 0 ? '' : $code == 124 ? "TAKES $seconds_max s WITHOUT IT" : 'FAILS WITHOUT IT';
}

sub caught_by {
    my ($mutant, $log, $code) = @_;
    my $text = text_of $log;
    $text =~ s/.*^-- planted --$//ms;
    if (my $script = $scripts{$mutant->{suite}}) {
        return "$mutant->{suite}: " . ($text =~ $script->{failure} ? $1 : 'it ended abnormally');
    }
    return "$mutant->{suite}: $1"                            if $text =~ /^\[  FAILED  \] ([A-Za-z_\/0-9]+\.[A-Za-z_\/0-9]+)/m;
    my ($last) = $text =~ /.*^\[ RUN      \] (\S+)/ms;
    my $how = $code == 124 ? "took $seconds_max s" : "exit code $code";
    return "$mutant->{suite}: " . ($last // '') . " ($how)";
}

# ---- the table ------------------------------------------------------------------------------------------------------

my %tests_of;    # suite => hash of its files
sub key_of {
    my ($mutant) = @_;
    $tests_of{ $mutant->{suite} } //= sha1_hex join '', map { text_of $_ } sort grep { -f } glob "tests/$mutant->{suite}/*";
    return sha1_hex $mutant->{text}, $mutant->{wrong} ? '' : text_of($mutant->{file}), $tests_of{ $mutant->{suite} };
}

my (@unsound, %took);
my ($caught, $old, $began) = (0, 0, time);
my $wide = max(6, map { length $_->{name} } @chosen);
printf "%-${wide}s | %-70s | %-70s | %s\n", 'mutant', 'what is broken', 'caught by', 'seconds';
my $configured = 0;
for my $mutant (@chosen) {
    my ($begin, $verdict, $is_caught) = (time, '', 0);
    my ($store, $log) = ("$work/results/$mutant->{name}", "$work/log/$mutant->{name}.log");
    my $stored = $flags{resume} && -f $store ? text_of $store : '';
    my $seconds;
    if ($mutant->{wrong}) { $verdict = "DOES NOT FIT: $mutant->{wrong}" }
    elsif ($stored =~ /^(\S+) (\d+) (.*)$/ && $1 eq key_of($mutant)) {
        ($seconds, $verdict, $is_caught) = ($2, $3, 1);
        ++$old;
    }
    else {
        configure() unless $configured++;
        unlink $log;
        my ($build, $program) = how_to_build($mutant);
        my $unsound = sound($mutant, $build, $program, $log);
        if ($unsound) { $verdict = "$unsound, see $log" }
        else {
            $begin = time;    # what it costs to have it once everything else is there
            my $original = text_of $mutant->{file};
            my $mutated  = $original =~ s/\Q$mutant->{old}\E/$mutant->{new}/r;
            write_text "$src/$mutant->{file}", $mutated;
            logged($log, 'echo "-- planted --"');
            my $built = logged($log, $build) == 0;
            my $code  = $built ? logged($log, run_command($mutant, $mutant->{filter}, $program)) : 0;
            write_text "$src/$mutant->{file}", $original;
            if    (!$built)    { $verdict = "DOES NOT BUILD, see $log" }
            elsif ($code == 0) { $verdict = "NOT CAUGHT by $mutant->{suite}: $mutant->{filter}" }
            else               { ($verdict, $is_caught) = (caught_by($mutant, $log, $code), 1) }
        }
    }
    $seconds //= time - $begin;
    $took{ $mutant->{name} } = $seconds;
    $is_caught ? ++$caught : push @unsound, $mutant->{name};
    if   ($is_caught) { write_text $store, key_of($mutant) . " $seconds $verdict\n" }
    else              { unlink $store }
    printf "%-${wide}s | %-70s | %-70s | %4d\n", $mutant->{name}, $mutant->{breaks}, $verdict, $seconds;
}
printf "%d planted, %d caught%s, %d not; %d s, of which mutants %d s\n", scalar @chosen, $caught,
  $old ? " ($old of them in an earlier run)" : '', scalar @unsound, time - $began, sum0 values %took;
print "not caught: @unsound\n" if @unsound;
exit(@unsound ? 1 : 0);
