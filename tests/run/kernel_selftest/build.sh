#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh UNIT.c NAME OUTPUT_DIR [BUILD_DIR]: makes OUTPUT_DIR/NAME.ko of a hand-written unit and the runtime with the kernel's own
# make, and the static programs `reader` and `load` beside it.
set -e
unit=$(realpath "$1") name=$2 build=${4:-/usr/lib/modules/$(uname -r)/build}
here=$(dirname "$unit") top=$(realpath "$here/../../..")
mkdir -p "$3"
output=$(realpath "$3") work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
objects=unit.o
echo "#include \"$unit\"" > "$work/unit.c"
for file in "$top"/runtime/kernel/*.c "$top"/runtime/core/*.c; do
  part=$(basename "$(dirname "$file")")_$(basename "$file" .c)
  echo "#include \"$file\"" > "$work/$part.c"
  objects="$objects $part.o"
done
cat > "$work/Makefile" <<M
obj-m := $name.o
$name-y := $objects
ccflags-y := -I$top -I$top/runtime/core -I$here -DTAP_KBUILD -Werror -Wno-declaration-after-statement -Wno-missing-prototypes -include $top/runtime/kernel/pch.h
M
make -s -C "$build" M="$work" modules
strip -g -o "$output/$name.ko" "$work/$name.ko"
for program in reader load; do
  ${CC:-cc} -O1 -Wall -I"$top" -static -pthread -o "$output/$program" "$here/$program.c"
done
