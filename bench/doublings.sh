#!/bin/sh
# Times one layer with its batch, area, input and output channels doubled one after the other, as JSON: how the
# cost grows. Run it from the project's root, after `cargo build --release`.
set -eu
base=c32-32,k4,s2,p1
set -- --shape "tconv:n1,i32x32,$base"
for n in 2 4 8; do set -- "$@" --shape "tconv:n$n,i32x32,$base"; done
for i in 32x64 64x64 64x128; do set -- "$@" --shape "tconv:n1,i$i,$base"; done
for c in 64 128 256; do set -- "$@" --shape "tconv:n1,i32x32,c$c-32,k4,s2,p1"; done
for c in 64 128 256; do set -- "$@" --shape "tconv:n1,i32x32,c32-$c,k4,s2,p1"; done
exec target/release/upconv bench --threads 1 --json "$@"
