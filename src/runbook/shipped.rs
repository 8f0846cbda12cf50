//! Runbooks that come with the program, as texts. Reading them is the configuration's; that each is without a mistake is
//! a test.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name: the file's, and the book's.
    pub name: &'static str,
    /// Its YAML.
    pub text: &'static str,
}

macro_rules! books {
    ($($name:literal)*) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../runbooks/", $name, ".yaml")) },)*]
    };
}

/// All of them.
pub const SHIPPED: &[Shipped] = books! {
    "vulnerable-release"
    "leaked-credential"
    "ca-compromise"
    "certificate-expired"
    "volume-lost"
    "ransomware-suspected"
    "quarterly-review"
};

/// The one of a name.
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|book| book.name == name)
}
