use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

/// A bundle of a copy of `shop/data`.
pub fn content() -> Content {
    Content {
        exported: Exported {
            at: "2026-03-01T11:00:00Z".parse().unwrap(),
            by: "sre".into(),
            context: "prod".into(),
            server: "https://prod.example".into(),
            cluster: Some("uid-of-prod".into()),
        },
        restore_point: Point {
            namespace: "shop".into(),
            name: "copy".into(),
            uid: "uid-copy".into(),
            driver: "csi.example".into(),
            handle: "snap-1".into(),
            cut: "2026-03-01T10:00:00Z".parse().unwrap(),
            restore_size: Some(1 << 30),
            volume_mode: Some("Filesystem".into()),
            deletion_policy: "Retain".into(),
            consistency: Some("crash".into()),
            lineage: Some("uid-data".into()),
            images: vec!["db=postgres:15".into()],
            last_proven: None,
        },
        claim: Origin {
            name: Some("data".into()),
            spec: json!({
                "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "volumeMode": "Filesystem",
                "resources": { "requests": { "storage": "1Gi" } },
            }),
        },
        storage_class: None,
        snapshot_class: None,
        warnings: Vec::new(),
    }
}

fn written() -> String {
    Bundle::new(content()).to_yaml().unwrap()
}

#[test]
fn a_bundle_is_read_as_it_was_written_also_as_json() {
    let bundle = Bundle::new(content());
    assert_eq!(Bundle::parse(&written()), Ok(bundle.clone()));
    assert_eq!(Bundle::parse(&serde_json::to_string_pretty(&bundle).unwrap()), Ok(bundle));
    assert!(written().starts_with(&format!("format: {FORMAT}\nversion: 1\nsha256: ")), "{}", written());
}

#[rstest]
#[case::nothing("", "no bundle")]
#[case::another_file("kind: ConfigMap\n", "no bundle")]
#[case::a_later_version(&written().replace("version: 1\n", "version: 2\n"), "of version 2")]
#[case::cut_short(&written()[..written().find("  claim:").unwrap()], "missing field `claim`")]
#[case::changed(&written().replace("snap-1", "snap-2"), "sha256")]
#[case::another_word(&written().replace("    handle:", "    hndle:"), "16:5: ")]
#[case::no_time(&written().replace("2026-03-01T10:00:00Z", "soon"), "17:10: ")]
#[case::no_yaml("format: [\n", ":")]
fn what_is_wrong_with_a_file_is_said_with_its_place(#[case] text: &str, #[case] said: &str) {
    let error = Bundle::parse(text).unwrap_err();
    assert!(error.contains(said) && !error.contains('\n'), "{error}");
}

#[test]
fn a_hostile_file_is_no_hostile_message() {
    let error = Bundle::parse(&written().replace("    handle:", "    \"h\\e[2Jndle\":")).unwrap_err();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

proptest! {
    #[test]
    fn any_text_is_carried_as_it_is(name in any::<String>(), handle in any::<String>(), key in any::<String>()) {
        let mut content = content();
        content.restore_point.handle = handle;
        content.claim.spec[key] = json!(name);
        let bundle = Bundle::new(content);
        prop_assert_eq!(Bundle::parse(&bundle.to_yaml().unwrap()), Ok(bundle));
    }
}
