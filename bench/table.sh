#!/usr/bin/env bash
# table.sh [--quick] [--json FILE]: our benchmarks, the machine's limits and the peers in one table of ratios.
# Why:  a machine drifts by more than what is to be seen. So everything runs in turns, process by process, in one run, and
#       what counts are ratios of medians.
# How:  seven repetitions (one with --quick); in each, every row, the limits, and every peer run once in a process of
#       their own. Called by ./dev bench --peers, which builds what is run here.
# Always true:  (T1) a run that ends with 0 has computed the expected checksum in every row, ours and each peer's; a target
#                    that is missed is a line that says no, and no error
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=build/release/bin

repetitions=7 min_time=0.2 json=
while (($#)); do
  case $1 in
    --quick) repetitions=1 min_time=0.05 ;;
    --json) json=${2:?--json needs a file}; shift ;;
    *) echo "table.sh [--quick] [--json FILE]" >&2; exit 2 ;;
  esac
  shift
done

# Every row: id; executable; benchmark; the column that is the figure; limit; the peers' row; expected checksum; target.
#   figure    ns: the inverse of per-item rates, in nanoseconds; B: bytes; handled, runs: a rate, shown as its inverse in ns
#   limit     a sum of rows of limits_bench (without limit_), or =ID: the figure of an earlier row
#   checksum  a number; same: whatever it is, the same in each repetition; -: none
#   target    all of them: ours<=X in the row's unit; ours/limit<=X; limit/ours>=X; PEER/ours>=X
rows='
F1a       actor  F1a_tell/threads:1/real_time               ns      pool_pair+uncontended_exchange+indirect_call     F1a  499500000 ours<=12,tokio/ours>=2
F1b       actor  F1b_tell/threads:2/real_time               ns      pool_pair+uncontended_exchange+indirect_call     F1b  499500000 ours<=30
F1d/1     actor  F1d_fan_in_100/threads:1/real_time         ns      -                                                -    2250000   ours<=15
F1d/2     actor  F1d_fan_in_100/threads:2/real_time         ns      -                                                -    2250000   ours<=35
F1e/503   actor  F1e_ring_hop/actors:503/real_time          ns      -                                                F1e  995       ours<=12
F1e/100k  actor  F1e_ring_hop/actors:100000/real_time       ns      -                                                -    6         ours<=15
F1f       actor  F1f_big_120/threads:2/real_time            ns      -                                                -    240000    ours<=20
F2a       actor  F2a_ask/threads:1/real_time                ns      two_fiber_switches                               F2a  200000    ours<=45
F2a/limit actor  F2a_ask_with_deadline/threads:1/real_time  ns      two_fiber_switches                               F2a  200000    ours<=60
F3a       actor  F3a_spawn_tell_stop/real_time              ns      pool_pair                                        F3a  100000    ours<=60
F4        actor  F4_idle_actor/iterations:1                 B       -                                                -    100000    ours<=192
F8/1      actor  F8_pairs_64/threads:1/real_time            ns      =F1a                                             -    319680000 -
F8/2      actor  F8_pairs_64/threads:2/real_time            ns      =F8/1                                            -    319680000 limit/ours>=1.8
F9/10     sim    F9_handled_messages/actors:10              handled -                                                -    same      ours<=66.7
F9/1000   sim    F9_handled_messages/actors:1000            handled -                                                -    same      ours<=83.3
F9/100k   sim    F9_handled_messages/actors:100000          handled -                                                -    same      ours<=333
F10       sim    F10_short_runs                             runs    -                                                -    -         ours<=3333
F12       actor  F12_timer/pending:100000/real_time         ns      timer_wheel/pending:100000                       -    100000    ours<=50
F15/1     actor  F15_tell_bounded/threads:1/real_time       ns      =F1a                                             -    499500000 ours/limit<=1.3
F15/2     actor  F15_tell_bounded/threads:2/real_time       ns      =F1b                                             -    499500000 ours/limit<=1.3
F15/s1k   actor  F15_spawn_n/actors:1000/manual_time        ns      -                                                -    1000      -
F15/s100k actor  F15_spawn_n/actors:100000/manual_time      ns      =F15/s1k                                         -    100000    ours/limit<=1.5
'
rows=$(sed '/^$/d' <<< "$rows")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What was measured: one line "WHO ROW FIGURE CHECKSUM" each, where WHO is ours, limit, or a peer.
measured=$work/measured

# Runs benchmarks and prints "NAME FIGURE CHECKSUM" for each. The columns of the CSV differ between executables.
benchmarks() {  # EXECUTABLE FILTER FIGURE
  "$bin/$1_bench" --benchmark_filter="$2" --benchmark_min_time=$min_time --benchmark_format=csv 2> "$work/stderr" |
    awk -F, -v figure="$3" '
      { gsub(/"/, "") }
      /^name,/ { for (i = 1; i <= NF; ++i) column[$i] = i; next }
      !column["name"] { next }
      $column["error_occurred"] == "true" { exit 1 }
      {
        if (figure == "ns") value = $column["per_item"] * 1e9
        else if (figure == "B") value = $column["bytes_per_actor"]
        else if (figure == "limit") value = $column["real_time"]  # all in ns
        else value = 1e9 / $column[figure "_per_second"]
        print $column["name"], value, column["checksum"] ? $column["checksum"] : "-"
      }' || { cat "$work/stderr" >&2; return 1; }
}

measure_ours() {  # ID EXECUTABLE BENCHMARK FIGURE
  local line
  line=$(benchmarks "$2" "^$3\$" "$4")
  [[ -n $line ]] || { echo "table.sh: $2_bench has no benchmark $3" >&2; return 1; }
  echo "ours $1 ${line#* }" >> "$measured"
}

peers=$(bench/peers/run.sh build)
for ((repetition = 1; repetition <= repetitions; ++repetition)); do
  echo "repetition $repetition of $repetitions" >&2
  while read -r id executable benchmark figure _; do
    measure_ours "$id" "$executable" "$benchmark" "$figure"
  done <<< "$rows"
  benchmarks limits . limit | sed 's/^limit_/limit /' >> "$measured"
  for peer in $peers; do bench/peers/run.sh run "$peer" | sed "s/^/$peer /" >> "$measured"; done
done

build=$("$bin/limits_bench" --benchmark_filter=indirect_call 2>&1 | grep -E '^(compiler|build):' | tr '\n' ' ')
cat <<TEXT

$(grep -m 1 '^model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)
${build}commit $(git rev-parse --short HEAD 2> /dev/null || echo unknown)
medians of $repetitions; spread is (largest - smallest) / median; ns per message, ask, hop, actor, timer or run; F4 in bytes

TEXT
awk -v json="$json" -v peers="$peers" '
  # Returns: the median; leaves the spread in percent in `spread`.
  function median(who, row,   n, i, j, swap, list, middle) {
    n = count[who, row]
    if (!n) return ""
    for (i = 1; i <= n; ++i) list[i] = figure[who, row, i]
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && list[j - 1] > list[j]; --j) { swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap }
    middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    spread = (list[n] - list[1]) / middle * 100
    return middle
  }
  function limit_of(text,   names, n, i, sum) {
    if (text == "-") return ""
    if (text ~ /^=/) return ours[substr(text, 2)]
    n = split(text, names, "+")
    for (i = 1; i <= n; ++i) {
      if (!count["limit", names[i]]) complain("limits_bench has no limit_" names[i])
      sum += median("limit", names[i])
    }
    return sum
  }
  # Returns: 1 met, 0 missed, "" cannot be told.
  function holds(condition,   at_most, parts, value) {
    at_most = condition ~ /<=/
    split(condition, parts, at_most ? "<=" : ">=")
    if (parts[1] == "ours") value = mine
    else if (parts[1] == "ours/limit") value = mine / limit
    else if (parts[1] == "limit/ours") value = limit / mine
    else {
      sub("/ours", "", parts[1])
      value = median(parts[1], peer_row)
      if (value != "") value /= mine
    }
    if (value == "") return ""
    return at_most ? value <= parts[2] + 0 : value >= parts[2] + 0
  }
  function verdict(target,   conditions, n, i, one, open) {
    if (target == "-") return "-"
    n = split(target, conditions, ",")
    for (i = 1; i <= n; ++i) {
      one = holds(conditions[i])
      if (one == "") open = 1
      else if (!one) return "no"
    }
    return open ? "open" : "yes"
  }
  function shown(value) { return value == "" ? "-" : value < 100 ? sprintf("%.1f", value) : sprintf("%.0f", value) }
  function ratio(a, b) { return a == "" || b == "" ? "-" : sprintf("%.2f", a / b) }
  function number(value) { return value == "" ? "null" : sprintf("%.3f", value) }
  function quoted(text) { return text == "" || text == "-" ? "null" : "\"" text "\"" }
  function complain(text) { print "table.sh: " text > "/dev/stderr"; wrong = 1 }
  function check(who, row, expected,   i) {  # T1
    if (expected == "-") return
    for (i = 1; i <= count[who, row]; ++i) {
      if (expected == "same" ? sum[who, row, i] != sum[who, row, 1] : sum[who, row, i] + 0 != expected + 0)
        complain(who " " row ": checksum " sum[who, row, i] ", expected " expected)
    }
  }

  BEGIN { n_peers = split(peers, peer, /[ \n]+/) }
  FNR == NR {
    i = ++count[$1, $2]
    figure[$1, $2, i] = $3
    sum[$1, $2, i] = $4
    next
  }
  FNR == 1 {
    printf "%-9s %7s %7s %7s %12s %10s %9s  %-23s %s\n",
           "id", "ours", "spread", "limit", "best peer", "ours/limit", "peer/ours", "target", "met"
  }
  {
    id = $1; unit = $4 == "B" ? "B" : "ns"; peer_row = $6; expected = $7; target = $8
    check("ours", id, expected)
    best = best_name = ""
    for (i = 1; i <= n_peers; ++i) {
      if (peer_row == "-") continue
      if (!count[peer[i], peer_row]) complain(peer[i] " has no row " peer_row)
      check(peer[i], peer_row, expected)
      value = median(peer[i], peer_row)
      if (best == "" || value < best) { best = value; best_name = peer[i] }
    }
    limit = limit_of($5)
    mine = ours[id] = median("ours", id)
    our_spread = spread
    met = verdict(target)
    printf "%-9s %7s %6.0f%% %7s %12s %10s %9s  %-23s %s\n", id, shown(mine), our_spread, shown(limit),
           best == "" ? "-" : best_name " " shown(best), ratio(mine, limit), ratio(best, mine), target, met
    line = sprintf("  {\"id\": %s, \"unit\": %s, \"ours\": %s, \"spread_percent\": %.1f, \"limit\": %s, ", quoted(id),
                   quoted(unit), number(mine), our_spread, number(limit))
    line = line sprintf("\"best_peer\": %s, \"best_peer_name\": %s, \"target\": %s, \"met\": %s}", number(best),
                        quoted(best_name), quoted(target), met == "yes" ? "true" : met == "no" ? "false" : "null")
    lines = lines (lines == "" ? "" : ",\n") line
    if (peer_row != "-" && !(peer_row in listed)) { listed[peer_row]; peer_rows[++n_peer_rows] = peer_row }
  }
  END {
    printf "\n%-9s", "peers"
    for (i = 1; i <= n_peers; ++i) printf " %14s", peer[i]
    print ""
    for (j = 1; j <= n_peer_rows; ++j) {
      printf "%-9s", peer_rows[j]
      for (i = 1; i <= n_peers; ++i) {
        value = median(peer[i], peer_rows[j])
        printf " %8s %4.0f%%", shown(value), spread
      }
      print ""
    }
    if (json != "") print "[\n" lines "\n]" > json
    exit wrong
  }' "$measured" - <<< "$rows"
