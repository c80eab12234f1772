use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use batchintory_wasmtime::*;
use batchintory::Planner;
use async_trait::async_trait;
struct Timed { inner: Arc<dyn Database>, log: Mutex<Vec<(String, Duration)>> }
#[async_trait]
impl Database for Timed {
    fn dialect(&self) -> Dialect { self.inner.dialect() }
    async fn query(&self, s: &str, p: &[Value]) -> Result<Rows, DatabaseError> {
        let t = Instant::now();
        let r = self.inner.query(s, p).await;
        self.log.lock().unwrap().push((s[..24].to_string(), t.elapsed()));
        r
    }
}
fn med(mut v: Vec<f64>) -> f64 { v.sort_by(f64::total_cmp); v[v.len()/2] }
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let inner = connect(&url, Access::ReadWrite).await.unwrap();
    let timed = Arc::new(Timed { inner, log: Mutex::default() });
    let db: Arc<dyn Database> = timed.clone();
    let databases = Databases::new(db.clone(), db.clone(), DatabaseOptions::default());
    let core = Planner::new(databases.clone(), SystemRandom);
    let inv = Inventory::builder().inventory(db.clone()).build().unwrap();
    inv.migrate().await.unwrap();
    for which in ["core", "component", "core", "component"] {
        let req = AcquireRequest { max_weight: Some(5000.0), ..AcquireRequest::new("files_1m", format!("dec {which} {}", std::process::id())) };
        let mut total = vec![];
        timed.log.lock().unwrap().clear();
        for _ in 0..300 {
            let t = Instant::now();
            if which == "core" { core.acquire(&req).await.unwrap(); } else { inv.acquire(&req).await.unwrap(); }
            total.push(t.elapsed().as_secs_f64()*1e6);
        }
        let mut by: std::collections::BTreeMap<String, Vec<f64>> = Default::default();
        for (s, d) in timed.log.lock().unwrap().drain(..) { by.entry(s).or_default().push(d.as_secs_f64()*1e6); }
        println!("{which}: total {:.0}", med(total));
        for (s, v) in by { println!("   {s} {:.0} x{}", med(v.clone()), v.len()); }
    }
    let (client, conn) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(conn);
    let mut by: std::collections::BTreeMap<&str, Vec<f64>> = Default::default();
    for i in 0..300i64 {
        let t = Instant::now();
        client.query_typed("SELECT batch_id_end FROM inventory_by_hand WHERE meta_table = $1 AND job = $2 ORDER BY batch_id_end DESC LIMIT 1", &[(&"files_1m", tokio_postgres::types::Type::TEXT),(&"acquire_over_floor", tokio_postgres::types::Type::TEXT)]).await.unwrap();
        by.entry("watermark").or_default().push(t.elapsed().as_secs_f64()*1e6);
        let t = Instant::now();
        client.query_typed("SELECT min(uid), max(uid), count(*), max(total) FROM (SELECT uid, sum(weight) OVER (ORDER BY uid ROWS UNBOUNDED PRECEDING) AS total FROM (SELECT uid, coalesce(weight, 0) AS weight FROM files_1m WHERE uid > $1 ORDER BY uid LIMIT 200) AS page) AS running WHERE total <= $2", &[(&(i*100), tokio_postgres::types::Type::INT8),(&5000.0f64, tokio_postgres::types::Type::FLOAT8)]).await.unwrap();
        let tk = t;
        by.entry("page").or_default().push(t.elapsed().as_secs_f64()*1e6);

        use tokio_postgres::types::Type;
        for (name, text) in [("hand", "INSERT INTO inventory_by_hand (meta_table, job, processing_start, batch_id_start, batch_id_end, batch_weight, batch_count, attempt, status, config, batch_id_after, claim_token) VALUES ($1, $2, now(), $3, $4, $5, $6, 1, 'running', CAST($7::text AS json), $8, $9) ON CONFLICT DO NOTHING RETURNING id"),
            ("hand in ours", "INSERT INTO inventory (meta_table, job, processing_start, batch_id_start, batch_id_end, batch_weight, batch_count, attempt, status, config, batch_id_after, claim_token) VALUES ($1, $2, now(), $3, $4, $5, $6, 1, 'running', CAST($7::text AS json), $8, $9) ON CONFLICT DO NOTHING RETURNING id"),
            ("hand in ours to_char", "INSERT INTO inventory (meta_table, job, processing_start, batch_id_start, batch_id_end, batch_weight, batch_count, attempt, status, config, batch_id_after, claim_token) VALUES ($1, $2, now(), $3, $4, $5, $6, 1, 'running', CAST($7::text AS json), $8, $9) ON CONFLICT DO NOTHING RETURNING id, CAST(to_char(processing_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS text)")] {
            let token = format!("{name}{}{i}", std::process::id());
            let config = "{\"meta_table\":\"files\",\"job\":\"bench\",\"max_weight\":5000.0}";
            let job = format!("{name}{}", std::process::id());
            let a = i * 100; let b = a + 99;
            let t = Instant::now();
            client.query_typed(text, &[(&"files_1m", Type::TEXT), (&job, Type::TEXT), (&a, Type::INT8), (&b, Type::INT8), (&5000f64, Type::FLOAT8), (&100i64, Type::INT8), (&config, Type::TEXT), (&a, Type::INT8), (&token, Type::TEXT)]).await.unwrap();
            by.entry(name).or_default().push(t.elapsed().as_secs_f64()*1e6);
        }
        let _ = tk;
    }
    for (s, v) in by { println!("   {s} {:.0} x{}", med(v.clone()), v.len()); }
}
