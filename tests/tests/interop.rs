//! Ordinary SOAP toolkits against the simulator, by the WSDL it serves.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use adapters::simulator::{Estate, Options, Simulator};
use std::process::Command;

/// Whether PHP is here, with its SOAP extension.
fn php_with_soap() -> bool {
    let modules = Command::new("php").arg("-m").output();
    modules.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).lines().any(|line| line.trim() == "soap")
    })
}

#[test]
fn php_plays_calls_through_its_soap_client() {
    if !php_with_soap() {
        eprintln!("skipped: this needs PHP with SOAP (on Debian: apt install php-cli php-soap)");
        return;
    }
    let simulator = Simulator::start(&Estate::built_in(), Options::default()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/soapclient.php");
    let output = Command::new("php")
        .args(["-d", "display_errors=stderr", script])
        .arg(format!("http://{}", simulator.address()))
        .output()
        .unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.ends_with("all as it should be\n"), "{said}{errors}");
    assert_eq!(errors, "", "{said}");
    assert_eq!(simulator.control("sessions").unwrap(), "0");
}
