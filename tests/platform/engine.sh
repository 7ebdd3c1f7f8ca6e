#!/usr/bin/env bash
# A running Docker Engine and the project's image, made where they are missing and can be made.
# usage: tests/platform/engine.sh IMAGE. Ends well where none can start; the tests then skip.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=$1
skip() { echo "no containers: $1; what needs them is skipped" >&2; exit 0; }
build() { DOCKER_BUILDKIT=1 "$client" build --network=host --build-arg COMMIT="$(git describe --always --dirty --abbrev=40)" -t "$image" "$@" .; }

# The oldest client that there is builds with BuildKit by itself; newer ones want a plugin.
client=docker
if [ -x /usr/bin/docker ]; then client=/usr/bin/docker; fi

if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || skip "no Docker Engine runs, and only root could start one"
  if ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null || skip "dockerd is not installed"
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends docker.io; } >/dev/null ||
      skip "docker.io could not be installed"
    if [ -x /usr/bin/docker ]; then client=/usr/bin/docker; fi
  fi
  mkdir -p build
  setsid dockerd >build/dockerd.log 2>&1 </dev/null &
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then break; fi
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || skip "dockerd does not start (build/dockerd.log)"
fi

base=$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
if docker image inspect "$base" >/dev/null 2>&1 || timeout 60 docker pull -q "$base" >/dev/null 2>&1; then
  build
  exit
fi
# No registry in reach: a base of Debian's own packages, and this machine's certificates.
if ! docker image inspect mtlser-base:local >/dev/null 2>&1; then
  command -v debootstrap >/dev/null ||
    apt-get install -qq -y --no-install-recommends debootstrap >/dev/null ||
    skip "neither $base nor debootstrap is to be had"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    bookworm "$folder/base" >"$folder/log" 2>&1 || { tail -5 "$folder/log" >&2; skip "debootstrap failed"; }
  tar -C "$folder/base" -c . | docker import - mtlser-base:local >/dev/null
fi
mkdir -p build
cp /etc/ssl/certs/ca-certificates.crt build/certificate.crt
build --build-arg BASE_IMAGE=mtlser-base:local --build-arg EXTRA_CERTIFICATE=build/certificate.crt
