# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Running the Python programs of scripts/netversus_report. Source it.

# nv_python_exec COMMAND MODULE... -- ARGUMENTS: becomes the first Python that has all the modules.
# The PATH may lead to one without the distribution's packages, so that of the system comes first.
nv_python_exec() {
    local command=$1 modules=() python
    shift
    while [[ $1 != -- ]]; do
        modules+=("$1")
        shift
    done
    shift
    local probe="import sys; sys.exit(sys.version_info < (3, 9))"
    ((${#modules[@]} == 0)) || probe="import $(IFS=,; echo "${modules[*]}"); $probe"
    for python in "${NETVERSUS_PYTHON:-}" /usr/bin/python3 python3 python; do
        if [[ -n $python ]] && "$python" -c "$probe" >/dev/null 2>&1; then
            exec "$python" -B "$(nv_python_package)" "$command" "$@"
        fi
    done
    printf '%s: no Python 3.9 or newer%s found (Debian: apt-get install%s)\n' "$command" \
        "${modules[*]:+ with ${modules[*]}}" \
        " python3$([[ ${#modules[@]} == 0 ]] || printf ' python3-%s' "${modules[@]}")" >&2
    return 1
}

nv_python_package() {
    printf '%s/../netversus_report' "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
}
