//! What every script begins with: which cluster, the functions that the steps call, and whether somebody is at work.

use super::pieces::{Where, comment, quoted};
use crate::plan::Plan;

/// Functions of the script. They work on `kind`, `namespace`, `name`, `uid` and `path`, which each step sets.
const FUNCTIONS: &str = r#"
say() { printf '%s\n' "$1" >&2; }
fail() { say "stopped: $1"; exit 1; }

# kubectl on this cluster and no other.
on_cluster() { kubectl --context "$context" "$@"; }

# read_field KIND NAMESPACE NAME JSONPATH: the field, or nothing when there is no such field or object.
# When the cluster does not answer, the script ends: what is not known is never taken for nothing.
read_field() {
  if [ -n "$2" ]; then
    on_cluster get "$1" "$3" --namespace "$2" --ignore-not-found -o jsonpath="$4" || kill "$$"
  else
    on_cluster get "$1" "$3" --ignore-not-found -o jsonpath="$4" || kill "$$"
  fi
}
read_target() { read_field "$kind" "$namespace" "$name" "$1"; }

# read_names KIND NAMESPACE: the names of all objects of a kind, in a namespace where one is given.
read_names() {
  if [ -n "$2" ]; then
    on_cluster get "$1" --namespace "$2" --ignore-not-found -o jsonpath='{.items[*].metadata.name}' || kill "$$"
  else
    on_cluster get "$1" --ignore-not-found -o jsonpath='{.items[*].metadata.name}' || kill "$$"
  fi
}

# UIDs and versions go into JSON: they must be plain.
clean() { case $1 in '' | *[!0-9A-Za-z-]*) fail "\"$1\" is no UID or version" ;; esac; }

# The object must still be the one that the plan was made for.
same_target() {
  [ "$(read_target '{.metadata.uid}')" = "$uid" ] || fail "$kind $name is gone, or another object now"
}

# patch_target OPERATIONS: a JSON patch that the server refuses unless UID and version are those just read.
patch_target() {
  version=$(read_target '{.metadata.resourceVersion}')
  clean "$uid"; clean "$version"
  tests='{"op":"test","path":"/metadata/uid","value":"'$uid'"},{"op":"test","path":"/metadata/resourceVersion","value":"'$version'"}'
  if [ -n "$namespace" ]; then
    on_cluster patch "$kind" "$name" --namespace "$namespace" --type json --patch "[$tests$1]" >&2
  else
    on_cluster patch "$kind" "$name" --type json --patch "[$tests$1]" >&2
  fi
}

# condition_target TYPE JSON: sets a condition of the status, in its place where there is one of this type: reads the
# object, changes it here and puts it back, which the server refuses when it was written meanwhile. JSON lacks its end,
# where the time goes.
condition_target() {
  at='-' place=0
  for type in $(read_target '{.status.conditions[*].type}'); do
    if [ "$type" = "$1" ]; then at=$place; fi
    place=$((place + 1))
  done
  made=''
  if [ "$place" -eq 0 ]; then made=',{"op":"add","path":"/status","value":{"conditions":[]}}'; fi
  if [ "$place" -eq 0 ] && [ -n "$(read_target '{.status}')" ]; then
    made=',{"op":"add","path":"/status/conditions","value":[]}'
  fi
  case $at in -) op=add ;; *) op=replace ;; esac
  version=$(read_target '{.metadata.resourceVersion}')
  clean "$uid"; clean "$version"
  tests='{"op":"test","path":"/metadata/uid","value":"'$uid'"},{"op":"test","path":"/metadata/resourceVersion","value":"'$version'"}'
  value=$2',"lastTransitionTime":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}'
  set_it=',{"op":"'$op'","path":"/status/conditions/'$at'","value":'$value'}'
  on_cluster get "$kind" "$name" --namespace "$namespace" -o json |
    on_cluster patch --local -f - --type json --patch "[$tests$made$set_it]" -o json |
    on_cluster replace --subresource status -f - >&2
}

# scale_target REPLICAS
scale_target() {
  version=$(read_target '{.metadata.resourceVersion}')
  clean "$version"
  on_cluster scale "$kind" "$name" --namespace "$namespace" --replicas "$1" --resource-version "$version" >&2
}

# delete_target SECONDS: deletes it if UID and version are those just read, and waits until it is gone.
delete_target() {
  now_uid=$(read_target '{.metadata.uid}')
  if [ "$now_uid" = "$uid" ] && [ -z "$(read_target '{.metadata.deletionTimestamp}')" ]; then
    version=$(read_target '{.metadata.resourceVersion}')
    clean "$uid"; clean "$version"
    printf '{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background","preconditions":{"uid":"%s","resourceVersion":"%s"}}' \
      "$uid" "$version" | on_cluster delete --raw "$path" -f - >&2
  fi
  within "$1"
  while [ "$(read_target '{.metadata.uid}')" = "$uid" ]; do
    not_late "$kind $name to be gone"
  done
}

# within SECONDS begins a deadline; not_late WHAT pauses, or ends the script when it is over.
within() { deadline=$(($(date +%s) + $1)); said=''; }
not_late() {
  [ "$(date +%s)" -lt "$deadline" ] || fail "not in time: $1"
  sleep 1
}

# report TEXT: what is wrong meanwhile, once.
report() {
  if [ -n "$1" ] && [ "$1" != "$said" ]; then
    said=$1
    say "reported meanwhile: $1"
  fi
}

# nobody_at_work NAMESPACE LEASE: a console at work renews its Lease.
nobody_at_work() {
  holder=$(read_field leases.v1.coordination.k8s.io "$1" "$2" '{.spec.holderIdentity}')
  [ -n "$holder" ] || return 0
  version=$(read_field leases.v1.coordination.k8s.io "$1" "$2" '{.metadata.resourceVersion}')
  lasts=$(read_field leases.v1.coordination.k8s.io "$1" "$2" '{.spec.leaseDurationSeconds}')
  case $lasts in '' | *[!0-9]*) lasts=30 ;; esac
  say "operation $holder held the lock; looking for $lasts seconds whether its console still renews it"
  sleep "$lasts"
  [ "$(read_field leases.v1.coordination.k8s.io "$1" "$2" '{.metadata.resourceVersion}')" = "$version" ] ||
    fail "operation $holder is at work on the same data: stop it first"
}

# What was begun is closed whatever happens.
owed=''
settle() {
  code=$?
  trap - EXIT
  trap '' HUP INT TERM
  for close in $owed; do
    set +e
    (set -e; "$close")
    [ $? -eq 0 ] || code=1
    set -e
  done
  exit "$code"
}
trap settle EXIT
trap 'say "stopped"; exit 130' HUP INT TERM
"#;

/// Everything before the first step.
pub(super) fn prelude(plan: &Plan) -> String {
    let server = plan.server.trim_end_matches('/');
    let mut lines = vec![
        "#!/bin/sh".to_owned(),
        format!("# {}", comment(&plan.title)),
        format!("# Operation {}, planned {} for context {}.", plan.id, plan.made, comment(&plan.context)),
        "# Does by hand what holdfast would do, and stops at the first thing that is not as it was planned.".to_owned(),
        "# No console keeps away while it runs: let nobody else work on the same volume.".to_owned(),
        "set -eu".to_owned(),
        format!("context={}", quoted(&plan.context)),
        FUNCTIONS.to_owned(),
        "# The cluster that the plan was made for.".to_owned(),
        "server=$(kubectl config view --minify --context \"$context\" -o jsonpath='{.clusters[0].cluster.server}')"
            .to_owned(),
        format!("[ \"${{server%/}}\" = {} ] || fail \"context $context leads to $server\"", quoted(server)),
        "kind='' namespace='' name='' uid='' path=''".to_owned(),
    ];
    lines.extend(plan.locks.iter().map(|lock| {
        let Where { namespace, name, .. } = Where::of(&lock.at());
        format!("nobody_at_work {namespace} {name}")
    }));
    lines.join("\n") + "\n"
}
