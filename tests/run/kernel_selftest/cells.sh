#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest, with modes.ko, modes2.ko (the same unit under another name), reader and load in /: every cell of
# runtime/kernel/STATES.md, then output that must add up, killed readers, two modules, 50 loads. Nothing may be said in dmesg.
run() { # run OPTIONS -- MODULE PARAMETERS
  o=""; while [ "$1" != -- ]; do o="$o $1"; shift; done; shift
  echo "##### reader$o  modes $*"
  insmod /modes.ko "$@" || echo INSMOD FAILED
  [ -n "$L" ] && { sleep 0.3; /load $L; } &
  /reader $o modes; rc=$?; [ $rc = 0 ] || echo "exit $rc"
  wait
  rmmod modes || echo RMMOD FAILED
}
run -- mode=exit_begin
run -- mode=exit_timer
L=10 run -- mode=exit_kprobe
run -t 50 -- mode=exit_end
run -- mode=error_begin
run -t 50 -- mode=error_begin maxerrors=5
run -- mode=error_timer
run -- mode=error_timer maxerrors=3
L=10 run -- mode=error_kprobe
run -t 50 -- mode=error_end
run -t 50 -- mode=error_begin maxerrors=77
for i in 0 1 2; do run -t 50 -- mode=kprobe$i; run -- mode=tracepoint$i; done
run -- mode=faults
run -- mode=overload overload=1
run -q -t 4000 -- mode=lines
L="200000" run -q -t 12000 -- mode=flood
L="100000 2" run -q -t 12000 -- mode=flood
L="20000 4" run -q -t 6000 -- mode=pair maxskipped=1000000000
L="20000 4" run -t 4000 -- mode=pair maxskipped=1000000000
L="20000 4" run -- mode=pair maxskipped=10
echo "##### leave while running"
run -k 300 -- mode=none
echo "##### leave in begin that waits for ring room"
insmod /modes.ko mode=lines; /reader -s 100000 modes & sleep 1; rmmod modes; kill -9 $!; wait $!; echo "reader exit $?"; rmmod modes && echo rmmod ok
echo "##### killed in flood"
insmod /modes.ko mode=flood; /reader -q modes & R=$!; /load 50000 2 & sleep 0.5; /reader modes; kill -9 $R; wait $R; echo "reader exit $?";  rmmod modes && echo rmmod ok; wait
echo "##### never started, opened"
insmod /modes.ko; /reader -p modes & R=$!; sleep 0.2; kill $R; wait $R;  run2=1; rmmod modes && echo rmmod ok
echo "##### two at once"
insmod /modes.ko mode=none; insmod /modes2.ko mode=none
/reader -q -t 500 modes & /reader -q -t 500 modes2; wait
rmmod modes; rmmod modes2; 
echo "##### 50 times"

for i in $(seq 50); do insmod /modes.ko mode=flood || echo BAD; /reader -q -k 60 modes >/dev/null; rmmod modes || echo BAD2; done; echo "50 done"

