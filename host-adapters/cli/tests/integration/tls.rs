//! `batchintory serve` with a certificate: made by openssl, and looked at by it.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::workplace::service::{Service, TOKEN};
use crate::workplace::{Workplace, fails, text};

/// How long is waited for what is to come, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

fn openssl(workplace: &Workplace, arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split_whitespace())
        .current_dir(workplace.directory.path())
        .stderr(Stdio::piped());
    command
}

/// A certificate of its own authority and its key, `NAME.pem` and `NAME.key`.
fn make_certificate(workplace: &Workplace, name: &str) {
    let made = openssl(
        workplace,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN={name} -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
             -keyout {name}.key -out {name}.pem"
        ),
    )
    .output()
    .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn copy(workplace: &Workplace, name: &str) {
    for kind in ["pem", "key"] {
        let from = workplace.path(&format!("{name}.{kind}"));
        fs::copy(from, workplace.path(&format!("used.{kind}"))).unwrap();
    }
}

/// What is answered to whoever trusts this certificate alone; nothing where that is not the service's.
fn get(workplace: &Workplace, service: &Service, trusted: &str) -> String {
    let address = service.url.trim_start_matches("https://");
    let arguments = format!(
        "s_client -connect {address} -CAfile {trusted}.pem -verify_return_error \
         -verify_hostname localhost -quiet -ign_eof"
    );
    let mut client = openssl(workplace, &arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // It may have gone without reading.
    let _ = client.stdin.take().unwrap().write_all(request);
    text(&client.wait_with_output().unwrap().stdout)
}

#[test]
fn connections_are_encrypted_and_a_new_certificate_is_taken_at_a_hangup() {
    let workplace = Workplace::prepared();
    for name in ["first", "second"] {
        make_certificate(&workplace, name);
    }
    copy(&workplace, "first");
    let arguments = ["--tls-cert", "used.pem", "--tls-key", "used.key"];
    let service = Service::start(&workplace, TOKEN, &arguments);
    assert!(service.url.starts_with("https://"), "{}", service.url);
    let answer = get(&workplace, &service, "first");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(get(&workplace, &service, "second"), "");

    copy(&workplace, "second");
    service.signal("HUP");
    let start = Instant::now();
    while !get(&workplace, &service, "second").starts_with("HTTP/1.1 200") {
        assert!(start.elapsed() < PATIENCE, "the new one is not taken");
        std::thread::sleep(Duration::from_millis(50));
    }

    // What cannot be used changes nothing.
    fs::write(workplace.path("used.pem"), "").unwrap();
    service.signal("HUP");
    let answer = get(&workplace, &service, "second");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // Whoever speaks plainly, or says nothing, keeps nobody waiting.
    let address = service.url.trim_start_matches("https://");
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    let _silent = TcpStream::connect(address).unwrap();
    assert!(!get(&workplace, &service, "second").is_empty());
    let key = fs::read_to_string(workplace.path("second.key")).unwrap();
    let log = service.end(&workplace);
    let line = key.lines().nth(1).unwrap();
    assert!(!log.contains(line), "the key is in the log");
}

#[test]
fn files_that_cannot_be_used_are_told_by_name() {
    let workplace = Workplace::prepared();
    for name in ["first", "second"] {
        make_certificate(&workplace, name);
    }
    fs::write(workplace.path("empty.pem"), "").unwrap();
    let key = fs::read_to_string(workplace.path("first.key")).unwrap();
    let (half, _) = key.split_at(key.len() / 2);
    fs::write(workplace.path("half.key"), half).unwrap();
    for (certificate, key, told) in [
        (
            "none.pem",
            "first.key",
            "the certificate none.pem: No such file",
        ),
        (
            "empty.pem",
            "first.key",
            "the certificate empty.pem: it holds no certificate in PEM",
        ),
        ("first.pem", "none.key", "the key none.key: No such file"),
        (
            "first.pem",
            "first.pem",
            "the key first.pem: it holds no private key in PEM",
        ),
        ("first.pem", "half.key", "the key half.key: it "),
        (
            "first.pem",
            "second.key",
            "the key second.key: it is not that of the certificate first.pem",
        ),
    ] {
        let refused = workplace.run(&["serve", "--tls-cert", certificate, "--tls-key", key]);
        fails(&refused, 2, &[told]);
        let line = half.lines().nth(1).unwrap();
        assert!(!text(&refused.stderr).contains(line), "the key is shown");
    }
    let refused = workplace.run(&["serve", "--tls-cert", "first.pem"]);
    fails(&refused, 2, &["--tls-key"]);
}
