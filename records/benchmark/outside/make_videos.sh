#!/usr/bin/env bash
# A model outside of the package, in one program: ffmpeg holds the last known frame, at its own rate and size.
#   worldsim bench export --suite quick --out quick
#   bash make_videos.sh quick answers
#   worldsim bench check answers --export quick
#   worldsim bench run --model videos:answers --suite quick --out runs/outside
set -euo pipefail
export_folder=$1 answers=$2
mkdir -p "$answers"
for known in "$export_folder"/context/*.mp4; do
  "${FFMPEG:-ffmpeg}" -nostdin -loglevel error -y -i "$known" \
    -vf "tpad=stop_mode=clone:stop_duration=2,fps=24,scale=512:512:flags=neighbor" -t 2 \
    -c:v libx264 -crf 20 -pix_fmt yuv420p "$answers/$(basename "$known")"
done
