//! Where the program is tried out.
#![allow(dead_code)]

pub mod service;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use batchintory_wasmtime::{Access, Value as SqlValue, connect};
use serde_json::Value;
use tempfile::TempDir;

/// A working directory with some files to process.
pub struct Workplace {
    /// The directory.
    pub directory: TempDir,
    /// Where inventory and meta table are, if not in the default SQLite file.
    pub url: Option<String>,
}

impl Workplace {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        for (name, lines) in [("a.txt", 3), ("b.txt", 5), ("c d.txt", 7)] {
            fs::write(data.join(name), "line\n".repeat(lines)).unwrap();
        }
        Self {
            directory,
            url: None,
        }
    }

    /// With the files listed, and an inventory.
    pub fn prepared() -> Self {
        let workplace = Self::new();
        workplace.prepare();
        workplace
    }

    pub fn prepare(&self) {
        ok(&self.run(&["register", "data"]));
        ok(&self.run(&["migrate"]));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batchintory"));
        command
            .current_dir(self.directory.path())
            .args(arguments)
            .stdin(Stdio::null());
        // Whoever runs the tests may use the program too.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("BATCHINTORY_") {
                command.env_remove(name);
            }
        }
        if let Some(url) = &self.url {
            command.env("BATCHINTORY_INVENTORY_CONN", url);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        ok(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Changes the default database behind the program's back.
    pub fn execute(&self, statement: &str) {
        self.query(statement);
    }

    /// Reads the default database, or changes it, behind the program's back.
    pub fn query(&self, statement: &str) -> Vec<Vec<SqlValue>> {
        let url = format!("sqlite:{}", self.path("batchintory.sqlite").display());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let database = connect(&url, Access::ReadWrite).await.unwrap();
            database.query(statement, &[]).await.unwrap().rows
        })
    }

    /// Lists 6,000 items more, on several pages, the last of which is of two lines.
    pub fn list_many_and_one_of_two_lines(&self) {
        self.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) \
             INSERT INTO files (item) \
             SELECT CASE i WHEN 6000 THEN 'two' || char(10) || 'lines' ELSE 'x' END FROM n",
        );
    }

    /// `run` for the job `lines`, with a shell script as its command.
    pub fn script(&self, options: &[&str], script: &str) -> Command {
        let job = ["run", "--meta-table", "files", "--job", "lines"];
        self.command(&[&job, options, &["--", "sh", "-c", script]].concat())
    }

    pub fn run_script(&self, options: &[&str], script: &str) -> Output {
        self.script(options, script).output().unwrap()
    }

    pub fn start_script(&self, options: &[&str], script: &str) -> Child {
        self.script(options, script)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The only job's numbers: succeeded, failed, running, items left.
    pub fn numbers(&self) -> [u64; 4] {
        let status = self.json(&["status"]);
        let job = &status[0];
        let number = |value: &Value| value.as_u64().unwrap();
        [
            number(&job["succeeded"]),
            number(&job["failed"]),
            number(&job["running"]),
            number(&job["remaining"]["items"]),
        ]
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn ok(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Checks the exit code, and what standard error says.
pub fn fails(output: &Output, code: i32, saying: &[&str]) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    for saying in saying {
        assert!(errors.contains(saying), "{saying:?} is not in:\n{errors}");
    }
}

/// A script that counts the lines of all items.
pub const COUNT_LINES: &str = "tr '\\n' '\\0' | xargs -0 cat | wc -l";
