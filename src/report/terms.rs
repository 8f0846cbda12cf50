//! The catalogues that controls are mapped to, with the title of each requirement that is named.

/// A catalogue of requirements.
pub struct Catalogue {
    /// A word for columns.
    pub short: &'static str,
    /// Its name and version.
    pub name: &'static str,
    /// Its version alone.
    pub version: &'static str,
    /// Number and title of every requirement that a control names.
    pub requirements: &'static [(&'static str, &'static str)],
}

/// NIST SP 800-53 revision 5, ISO/IEC 27001:2022 Annex A, CIS Kubernetes Benchmark, in this order.
pub const CATALOGUES: [Catalogue; 3] = [
    Catalogue {
        short: "NIST",
        name: "NIST SP 800-53 revision 5",
        version: "5",
        requirements: &[
            ("AC-6", "Least Privilege"),
            ("AU-6", "Audit Record Review, Analysis, and Reporting"),
            ("AU-9", "Protection of Audit Information"),
            ("AU-9(3)", "Protection of Audit Information: Cryptographic Protection"),
            ("CA-2", "Control Assessments"),
            ("CA-7", "Continuous Monitoring"),
            ("CP-10", "System Recovery and Reconstitution"),
            ("CP-4", "Contingency Plan Testing"),
            ("CP-6", "Alternate Storage Site"),
            ("CP-6(1)", "Alternate Storage Site: Separation from Primary Site"),
            ("CP-9", "System Backup"),
            ("CP-9(1)", "System Backup: Testing for Reliability and Integrity"),
            ("CP-9(3)", "System Backup: Separate Storage for Critical Information"),
            ("IR-4", "Incident Handling"),
            ("RA-5", "Vulnerability Monitoring and Scanning"),
            ("SA-11(1)", "Developer Testing and Evaluation: Static Code Analysis"),
            ("SC-12", "Cryptographic Key Establishment and Management"),
            ("SC-13", "Cryptographic Protection"),
            ("SC-17", "Public Key Infrastructure Certificates"),
            ("SC-23", "Session Authenticity"),
            ("SC-28", "Protection of Information at Rest"),
            ("SC-28(1)", "Protection of Information at Rest: Cryptographic Protection"),
            ("SC-8", "Transmission Confidentiality and Integrity"),
            ("SC-8(1)", "Transmission Confidentiality and Integrity: Cryptographic Protection"),
            ("SI-12", "Information Management and Retention"),
            ("SI-2", "Flaw Remediation"),
        ],
    },
    Catalogue {
        short: "ISO",
        name: "ISO/IEC 27001:2022 Annex A",
        version: "2022",
        requirements: &[
            ("A.5.14", "Information transfer"),
            ("A.5.26", "Response to information security incidents"),
            ("A.5.28", "Collection of evidence"),
            ("A.5.30", "ICT readiness for business continuity"),
            ("A.5.33", "Protection of records"),
            ("A.5.35", "Independent review of information security"),
            ("A.5.36", "Compliance with policies, rules and standards for information security"),
            ("A.8.13", "Information backup"),
            ("A.8.14", "Redundancy of information processing facilities"),
            ("A.8.15", "Logging"),
            ("A.8.16", "Monitoring activities"),
            ("A.8.24", "Use of cryptography"),
            ("A.8.28", "Secure coding"),
            ("A.8.3", "Information access restriction"),
            ("A.8.8", "Management of technical vulnerabilities"),
        ],
    },
    Catalogue {
        short: "CIS",
        name: "CIS Kubernetes Benchmark 1.10",
        version: "1.10",
        requirements: &[("5.7.1", "Create administrative boundaries between resources using namespaces")],
    },
];
