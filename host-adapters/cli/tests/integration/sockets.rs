//! `batchintory serve` and clients that are no good HTTP clients: each gets a refusal or is left, none
//! makes the service fail, hang or serve what was smuggled in.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::workplace::Workplace;
use crate::workplace::service::{Service, TOKEN};

/// How long an answer is waited for: longer than any that comes takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a body may take to come, and how long a head may.
const MAX_TIME: Duration = Duration::from_secs(10);

struct Client {
    address: String,
}

impl Client {
    fn of(service: &Service) -> Self {
        Self {
            address: service.url.trim_start_matches("http://").to_owned(),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends these bytes as far as they are taken, and gives back what is answered until the service
    /// closes the connection.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // It may close the connection before it has read all.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    /// Sends these bytes, and says that no more will come.
    fn send_and_end(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        read(&mut stream)
    }

    fn is_served(&self) {
        let answer = self.send(&get("/healthz", ""));
        assert_eq!(status(&answer), 200, "{answer}");
    }
}

/// All that comes; a connection that is reset has ended as well.
fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend(chunk.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the first answer; 0 where there is none.
fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1);
    status.map_or(0, |status| status.parse().unwrap())
}

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").into()
}

/// A claim of a job with these further headers, and this body.
fn claim_of(job: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /v1/jobs/{job}/batches HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
    )
    .into()
}

fn claim(headers: &str, body: &str) -> Vec<u8> {
    claim_of("lines", headers, body)
}

#[test]
fn heads_that_are_none() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let many: String = (0..1000).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = "y".repeat(1_000_000);
    for (sent, statuses) in [
        (b"".to_vec(), [0].as_slice()),
        (b"\r\n\r\n\r\n".to_vec(), &[0]),
        (
            b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n".to_vec(),
            &[0, 400],
        ),
        (b"hello\r\n\r\n".to_vec(), &[400]),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            &[400],
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[0, 400]),
        (
            b"GET /v1/jobs HTTP/9.9\r\nHost: localhost\r\n\r\n".to_vec(),
            &[400],
        ),
        (
            b"B\xc3R / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            &[400],
        ),
        (
            b"GET /v1/jobs\0 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            &[400],
        ),
        // No host, one that is none, two of them.
        (
            b"GET /v1/jobs HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(),
            &[400],
        ),
        (b"GET /v1/jobs HTTP/1.0\r\n\r\n".to_vec(), &[400]),
        (
            b"GET /v1/jobs HTTP/1.1\r\nConnection: close\r\nHost: \xff\r\n\r\n".to_vec(),
            &[400],
        ),
        (get("/v1/jobs", "Host: y\r\n"), &[400]),
        (get("/v1/jobs", "X: y\r\n z\r\n"), &[400]),
        (get("/v1/jobs", "X : y\r\n"), &[400]),
        (get("/v1/jobs", "X\0: y\r\n"), &[400]),
        (get("/v1/jobs", &many), &[431]),
        (get("/v1/jobs", &format!("x: {long}\r\n")), &[0, 431]),
        (get(&format!("/{long}"), ""), &[0, 414, 431]),
    ] {
        // Whoever ends a request that is whole has gone, and may get no answer.
        let answer = match statuses.contains(&0) {
            true => client.send_and_end(&sent),
            false => client.send(&sent),
        };
        let sent = String::from_utf8_lossy(&sent);
        let sent: String = sent.chars().take(80).collect();
        assert!(statuses.contains(&status(&answer)), "{sent}: {answer}");
    }
    client.is_served();
}

#[test]
fn targets_that_play_tricks() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let known = format!("Authorization: Bearer {TOKEN}\r\n");
    for (target, expected) in [
        ("/../../etc/passwd", 404),
        ("/v1/../v1/jobs", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("//v1/jobs", 404),
        ("/v1/jobs/%ff/audit?meta_table=files", 400),
        ("/v1/jobs?%ff", 400),
        ("/v1/batches?job=%00", 400),
        ("http://localhost/v1/jobs", 200),
        ("http://elsewhere/v1/jobs", 421),
        ("http://elsewhere/../v1/jobs", 404),
        ("/v1/jobs#fragment", 200),
    ] {
        let answer = client.send(&get(target, &known));
        assert_eq!(status(&answer), expected, "{target}: {answer}");
    }
    for line in [
        "OPTIONS *",
        "CONNECT elsewhere:80",
        "BREW /v1/jobs",
        "TRACE /v1/jobs",
    ] {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = client.send(head.as_bytes());
        assert!([404, 405].contains(&status(&answer)), "{line}: {answer}");
    }
    client.is_served();
}

#[test]
fn bodies_whose_length_is_a_trick() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let chunked = "Transfer-Encoding: chunked\r\n";
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(100_000));
    for (headers, body) in [
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            smuggled,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            smuggled,
        ),
        ("Transfer-Encoding: chunked, identity\r\n", smuggled),
        ("Transfer-Encoding: xchunked\r\n", smuggled),
        ("Transfer-Encoding : chunked\r\n", smuggled),
        ("Content-Length: 2\r\nContent-Length: 40\r\n", "{}"),
        ("Content-Length: -2\r\n", "{}"),
        ("Content-Length: +2\r\n", "{}"),
        ("Content-Length: 2, 2\r\n", "{}"),
        ("Content-Length: 99999999999999999999999\r\n", "{}"),
        (chunked, "zz\r\n{}\r\n0\r\n\r\n"),
        (chunked, "-2\r\n{}\r\n0\r\n\r\n"),
        (chunked, "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        (chunked, "2\r\n{}XX0\r\n\r\n"),
        (chunked, &extension),
    ] {
        let answer = client.send(&claim(headers, body));
        assert!(
            [0, 400].contains(&status(&answer)),
            "{headers}{body}: {answer}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            usize::from(!answer.is_empty())
        );
    }
    // They end before their end.
    for (headers, body) in [(chunked, "5\r\n{}"), ("Content-Length: 50\r\n", "{}")] {
        let answer = client.send_and_end(&claim(headers, body));
        assert!(
            [0, 400].contains(&status(&answer)),
            "{headers}{body}: {answer}"
        );
    }
    client.is_served();
    // Nothing was claimed by any of them.
    assert_eq!(workplace.json(&["history"]), serde_json::json!([]));
}

#[test]
fn bodies_that_are_too_long_are_refused_before_they_are_all_sent() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let long = " ".repeat(8 * 1024 * 1024);
    let chunk = format!("fff0\r\n{}\r\n", " ".repeat(0xfff0));
    for (headers, body) in [
        ("Content-Length: 9223372036854775807\r\n", "{}"),
        ("Content-Length: 300000\r\nExpect: 100-continue\r\n", ""),
        ("Content-Length: 8388608\r\n", long.as_str()),
        ("Transfer-Encoding: chunked\r\n", &chunk.repeat(100)),
    ] {
        let mut stream = client.connect();
        let _ = stream.write_all(&claim(headers, body));
        let answer = read(&mut stream);
        // A client that goes on sending may find the connection closed under it.
        assert!([0, 413].contains(&status(&answer)), "{headers}: {answer}");
        assert!(
            status(&answer) == 413 || body.len() > 1_000_000,
            "{headers}"
        );
    }
    client.is_served();
}

#[test]
fn a_claim_that_comes_slowly_does_not_hold_up_those_of_its_job() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let body = r#"{"meta_table": "files", "max_count": 1}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut slow = client.connect();
    slow.write_all(&claim(&length, &body[..10])).unwrap();
    let answer = client.send(&claim(&length, body));
    assert_eq!(status(&answer), 201, "{answer}");
    // The slow one was not left meanwhile.
    slow.write_all(&body.as_bytes()[10..]).unwrap();
    let answer = read(&mut slow);
    assert_eq!(status(&answer), 201, "{answer}");
}

#[test]
fn whoever_sends_a_byte_a_second_is_left_in_the_end_and_holds_up_nobody() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let client = Client::of(&service);
    let body = claim_of("slow", "Content-Length: 100\r\n", "{");
    let chunks = claim_of("slower", "Transfer-Encoding: chunked\r\n", "1\r\n{\r\n");
    let head = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec();
    // All at the same time: each byte starts the time of reading anew, not that of the whole.
    let start = Instant::now();
    let mut slow: Vec<(TcpStream, &[u8])> = Vec::new();
    for (sent, byte) in [(body, &b" "[..]), (chunks, b"1\r\n \r\n"), (head, b"x")] {
        let mut stream = client.connect();
        stream.write_all(&sent).unwrap();
        slow.push((stream, byte));
    }
    while start.elapsed() < MAX_TIME + Duration::from_secs(1) {
        for (stream, byte) in &mut slow {
            let _ = stream.write_all(byte);
        }
        client.is_served();
        std::thread::sleep(Duration::from_secs(1));
    }
    let statuses: Vec<u16> = slow
        .iter_mut()
        .map(|(stream, _)| status(&read(stream)))
        .collect();
    assert_eq!(statuses, [408, 408, 0]);
    client.is_served();
}
