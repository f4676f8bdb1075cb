# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Installing and building, for the scripts beside this directory. Source it in the project's root.

export LC_ALL=C

# shellcheck disable=SC2034  # for those who source this
{
    NV_PACKAGES_BUILD=(
        gcc libc6-dev cmake ninja-build pkg-config libuv1-dev libjansson-dev libinih-dev
    )
    NV_PACKAGES_CHARTS=(
        gnuplot-nox fonts-dejavu-core
        python3 python3-matplotlib python3-pandas python3-numpy python3-jinja2
    )
    NV_PACKAGES_TEST=(
        libcmocka-dev python3-pytest iproute2 iperf3 strace groff-base git
        clang clang-format clang-tidy shellcheck
    )
    NV_PEERS=(iperf3 iperf sockperf nuttcp qperf)
    NV_PACKAGES_PEERS=("${NV_PEERS[@]}" iproute2 python3 python3-matplotlib fonts-dejavu-core)
}

nv_say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

nv_die() {
    nv_say "$*"
    exit 1
}

# Prints those of the named packages that are not installed; fails where there is no dpkg.
nv_packages_missing() {
    command -v dpkg-query >/dev/null || return 1
    local installed package
    # dpkg-query fails when any package is unknown to it, and still lists the others.
    # shellcheck disable=SC2016
    installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null) || true
    for package in "$@"; do
        grep -qxE "ii +$package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Runs apt-get as root, without questions.
nv_apt_get() {
    local as_root=()
    [[ $(id -u) == 0 ]] || as_root=(sudo)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -y -q -o DPkg::Lock::Timeout=300 "$@"
}

# Installs those of the named Debian packages that are missing. Where it cannot (another system, not
# root), it says what is needed and goes on: the tools may be there under other names.
nv_packages_ensure() {
    local missing=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        nv_say "not a Debian system; these packages, or their like, are needed: $*"
        return
    fi
    mapfile -t missing < <(nv_packages_missing "$@")
    ((${#missing[@]})) || return 0
    if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        nv_say "not root and no sudo; going on without these packages: ${missing[*]}"
        return
    fi
    nv_say "installing ${missing[*]}"
    nv_apt_get update || nv_say "apt-get update failed; trying with the lists at hand"
    nv_apt_get install --no-install-recommends "${missing[@]}" ||
        nv_die "cannot install: ${missing[*]}"
}

# Removes the build directory of a preset if it belongs to a source tree that has moved.
nv_discard_moved_build() {
    local cache=build/$1/CMakeCache.txt
    if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
        rm -rf "build/$1"
    fi
}

# Configures a preset unless that is done and the presets have not changed since.
nv_configure() {
    nv_discard_moved_build "$1"
    if [[ ! build/$1/build.ninja -nt CMakePresets.json ]]; then
        cmake --preset "$1"
    fi
}
