#!/usr/bin/env perl
# table.pl SUMMARY: what `llvm-cov export -summary-only` has written, as a table: a line for each folder, then the files in
# which most lines are never reached.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Basename qw(dirname);
use JSON::PP qw(decode_json);

open my $in, '<', $ARGV[0] or die "cannot read $ARGV[0]\n";
my $summary = decode_json(do { local $/; <$in> });
my $root    = getcwd . '/';

my (%folders, @files);
for my $file (@{ $summary->{data}[0]{files} }) {
    my $name = $file->{filename} =~ s/^\Q$root\E//r;
    my %part = map { $_ => $file->{summary}{$_} } qw(lines branches);
    for my $folder (dirname($name), 'all') {
        for my $what (keys %part) {
            $folders{$folder}{$what}{$_} += $part{$what}{$_} for qw(count covered);
        }
    }
    push @files, [$name, \%part];
}

sub missed  { my ($part) = @_; return $part->{count} - $part->{covered} }
sub percent { my ($part) = @_; return $part->{count} ? sprintf '%5.1f %%', 100 * $part->{covered} / $part->{count} : '      -' }
my $format = "%-44s %7s %8s %8s %8s %8s %8s\n";
sub print_line {
    my ($name, $part) = @_;
    printf $format, $name, map { ($part->{$_}{count}, percent($part->{$_}), missed($part->{$_})) } qw(lines branches);
}
printf $format, 'folder', 'lines', 'reached', 'not', 'branches', 'reached', 'not';
print_line($_, $folders{$_}) for grep { $_ ne 'all' } sort keys %folders;
print_line('all', $folders{all});

print "\n";
printf $format, 'most lines not reached', 'lines', 'reached', 'not', 'branches', 'reached', 'not';
my @worst = sort { missed($b->[1]{lines}) <=> missed($a->[1]{lines}) || $a->[0] cmp $b->[0] } @files;
print_line(@$_) for grep { defined && missed($_->[1]{lines}) > 0 } @worst[0 .. 14];
