//! The pod that reads a restored volume. It says what it found as its last words, which the API keeps.

use serde_json::{Value, json};

use super::Options;
use crate::plan::ObjectAt;
use crate::plan::restore::Claim;

/// Where the volume is in the pod.
const PLACE: &str = "/restored";

/// The shell script that reads every file below `/restored`. `find` and `cat` say when something cannot be read; a pipe would swallow that.
pub const FILES: &str = r#"say() { printf '%s' "$1" > /dev/termination-log; }
cd /restored || { say "the volume is not there"; exit 1; }
files=$(find . -xdev -type f ! -path './lost+found/*' | wc -l)
bytes=$( { find . -xdev -type f ! -path './lost+found/*' -exec cat {} + || touch /tmp/unreadable; } | wc -c)
if [ -e /tmp/unreadable ]; then say "not all files can be read (files: $files)"; exit 1; fi
if [ "$files" -eq 0 ]; then say "the volume holds no file: it is empty"; exit 1; fi
if [ "$bytes" -lt "$AT_LEAST" ]; then say "only $bytes bytes (files: $files), $AT_LEAST were expected"; exit 1; fi
say "read $bytes bytes, files: $files"
"#;

/// Reads all of a block device.
const DEVICE: &str = r#"say() { printf '%s' "$1" > /dev/termination-log; }
bytes=$( { cat /restored || touch /tmp/unreadable; } | wc -c)
if [ -e /tmp/unreadable ]; then say "the device cannot be read beyond $bytes bytes"; exit 1; fi
if [ "$bytes" -lt "$AT_LEAST" ]; then say "only $bytes bytes, $AT_LEAST were expected"; exit 1; fi
say "read $bytes bytes"
"#;

/// The pod, without its marks.
pub(super) fn spec(at: &ObjectAt, claim: &Claim, options: &Options) -> Value {
    let mut container = json!({
        "name": "check",
        "image": options.image,
        "command": ["sh", "-c", if claim.block { DEVICE } else { FILES }],
        "env": [{ "name": "AT_LEAST", "value": options.at_least.to_string() }],
        "securityContext": { "allowPrivilegeEscalation": false, "seccompProfile": { "type": "RuntimeDefault" } },
    });
    if claim.block {
        container["volumeDevices"] = json!([{ "name": "restored", "devicePath": PLACE }]);
    } else {
        container["volumeMounts"] = json!([{ "name": "restored", "mountPath": PLACE, "readOnly": true }]);
    }
    json!({
        "apiVersion": at.resource.api_version(),
        "kind": at.resource.kind,
        "metadata": { "name": at.name, "namespace": at.namespace },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{ "name": "restored", "persistentVolumeClaim": { "claimName": claim.at.name } }],
        },
    })
}
