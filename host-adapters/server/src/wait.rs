//! `Prefer: wait=20` (RFC 7240): a client that would rather wait for a batch than be told that there is none.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use batchintory::Nothing;
use batchintory_http::CHANNEL;
use batchintory_wasmtime::{Alarm, Databases, pause_before_next};
use http_body_util::{BodyExt as _, Full};
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use wasmtime_wasi_http::WasiBody;

/// The longest wait, in seconds, whatever is preferred: proxies close connections on which nothing comes.
const LONGEST: u64 = 60;

/// A request that may wait. Meanwhile it has neither an instance nor a connection to a database, and its body
/// stays in the memory that requests share.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    seconds: u64,
    until: Instant,
    /// How long is waited at most before the inventory is asked again.
    poll: Duration,
    /// Wakes it where the meta tables' database tells of new rows.
    alarm: Alarm,
    databases: Databases,
    /// Whether the request claims, which its instance knows: no other is told that there is nothing.
    is_claim: Arc<AtomicBool>,
    /// Whether the service is about to end.
    is_ending: watch::Receiver<bool>,
}

impl Wait {
    /// What the headers of a request prefer, if they do. A preference that is not understood is none.
    pub(crate) fn preferred(
        headers: &HeaderMap,
        (databases, poll): (&Databases, Duration),
        is_ending: &watch::Receiver<bool>,
    ) -> Option<Self> {
        let seconds = seconds(headers)?.min(LONGEST);
        Some(Self {
            seconds,
            until: Instant::now() + Duration::from_secs(seconds),
            poll,
            alarm: Alarm::default(),
            databases: databases.clone(),
            is_claim: Arc::default(),
            is_ending: is_ending.clone(),
        })
    }

    /// The request claims.
    pub(crate) fn claims(&self) {
        self.is_claim.store(true, Ordering::Relaxed);
    }

    /// Waits where the answer is that there is nothing. Gives it back if it is to be given to the client.
    pub(crate) async fn or_answer(
        &mut self,
        response: Response<WasiBody>,
    ) -> wasmtime::Result<Option<Response<WasiBody>>> {
        if !self.is_claim.load(Ordering::Relaxed) {
            return Ok(Some(response));
        }
        match response.status() {
            StatusCode::OK => {}
            // A batch, and where its items are. Several at once are not waited for.
            StatusCode::CREATED if response.headers().contains_key(LOCATION) => {
                return Ok(Some(self.applied(response)));
            }
            _ => return Ok(Some(response)),
        }
        let (mut parts, body) = response.into_parts();
        let channel = parts.headers.remove(CHANNEL);
        let bytes = body.collect().await?.to_bytes();
        let nothing = serde_json::from_slice(&bytes).ok();
        let is_heard = nothing.is_some();
        if let Some(pause) = nothing.and_then(|nothing| self.pause(&nothing)) {
            let told = async {
                match channel.as_ref().and_then(|channel| channel.to_str().ok()) {
                    Some(channel) => self.alarm.rings(&self.databases, channel).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = sleep(pause) => return Ok(None),
                () = told => return Ok(None),
                // Who runs the service waits for all that is under way.
                _ = self.is_ending.wait_for(|is_ending| *is_ending) => {}
            }
        }
        let body = Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync();
        let response = Response::from_parts(parts, body);
        Ok(Some(match is_heard {
            true => self.applied(response),
            false => response,
        }))
    }

    /// How long to wait before the inventory is asked again, while there is time left.
    fn pause(&self, nothing: &Nothing) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| pause_before_next(self.poll, nothing).min(left))
    }

    /// The answer, which says that the preference was heard.
    fn applied(&self, mut response: Response<WasiBody>) -> Response<WasiBody> {
        if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", self.seconds)) {
            response.headers_mut().insert("preference-applied", applied);
        }
        response
    }
}

/// The first `wait` among the preferences of a request.
fn seconds(headers: &HeaderMap) -> Option<u64> {
    (headers.get_all("prefer").iter())
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, value)| value.trim().trim_matches('"').parse().ok())
}

#[cfg(test)]
mod tests {
    use batchintory_wasmtime::{Access, DatabaseOptions, connect};

    use super::*;

    #[test]
    fn the_first_preference_to_wait_counts() {
        for (headers, expected) in [
            (&["wait=20"][..], Some(20)),
            (&["respond-async, Wait = \"5\"; foo"], Some(5)),
            (&["respond-async", "wait=7, wait=9"], Some(7)),
            (&["wait=99999999999999999999"], None),
            (&["wait=-1"], None),
            (&["wait"], None),
            (&["handling=strict"], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for header in headers {
                map.append("prefer", HeaderValue::from_static(header));
            }
            assert_eq!(seconds(&map), expected, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn no_request_waits_longer_than_a_minute() {
        const POLL: Duration = Duration::from_secs(2);
        let database = connect("sqlite::memory:", Access::Create).await.unwrap();
        let databases = Databases::new(database.clone(), database, DatabaseOptions::default());
        let mut headers = HeaderMap::new();
        headers.append("prefer", HeaderValue::from_static("wait=3600"));
        let (_ending, is_ending) = watch::channel(false);
        let wait = Wait::preferred(&headers, (&databases, POLL), &is_ending).unwrap();
        assert!(wait.until <= Instant::now() + Duration::from_secs(LONGEST));
        let nothing = |due_in_seconds| Nothing {
            reason: batchintory::NothingReason::CaughtUp,
            watermark: None,
            scanned_to: None,
            held: None,
            due_in_seconds,
        };
        for _ in 0..100 {
            let pause = wait.pause(&nothing(None)).unwrap();
            assert!(pause >= POLL / 2 && pause <= POLL, "{pause:?}");
        }
        assert!(wait.pause(&nothing(Some(1))).unwrap() <= Duration::from_secs(1));
    }
}
