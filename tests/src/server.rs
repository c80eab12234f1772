//! Servers of a test's own, which it may stop, kill and start again: PostgreSQL and its poolers.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// The user as whom servers run that refuse to run as root.
const USER: &str = "postgres";

/// A PostgreSQL server of a test's own.
pub struct OwnPostgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    isolation: &'static str,
    /// Whether it writes down each statement that it is sent.
    tells: bool,
}

impl OwnPostgres {
    /// Makes and starts a server whose transactions are isolated like this by default. Its commits wait
    /// for the disk: it is to be killed.
    pub fn start(isolation: &'static str) -> Result<Self> {
        Self::start_telling(isolation, false)
    }

    /// The same, which writes down each statement that it is sent, and by which name: see [`Self::log`].
    pub fn start_with_log(isolation: &'static str) -> Result<Self> {
        Self::start_telling(isolation, true)
    }

    fn start_telling(isolation: &'static str, tells: bool) -> Result<Self> {
        let programs = env::var_os("BATCHINTORY_TEST_POSTGRES_PROGRAMS").context(
            "no PostgreSQL to start: run `cargo xtask test`, or set BATCHINTORY_TEST_POSTGRES_PROGRAMS to \
             the folder with initdb and pg_ctl",
        )?;
        let server = Self {
            programs: programs.into(),
            folder: own_folder()?,
            port: free_port()?,
            isolation,
            tells,
        };
        let mut initdb = server.program("initdb")?;
        run(initdb
            .arg("--username=postgres")
            .args(["--auth=trust", "--no-sync"]))?;
        server.restart()?;
        Ok(server)
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where its database is.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    /// What it has written down so far.
    pub fn log(&self) -> Result<String> {
        let log = fs::read(self.folder.path().join("log"))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// Starts the server again once it was stopped.
    pub fn restart(&self) -> Result<()> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 \
             -c default_transaction_isolation={} -c log_min_duration_statement={}",
            self.port,
            self.isolation,
            if self.tells { 0 } else { -1 },
        );
        run(self
            .program("pg_ctl")?
            // By itself it gives up after a minute, which a busy machine may take.
            .args(["start", "--wait", "--timeout=600", "--silent"])
            .args(["--options", &options])
            .arg("--log")
            .arg(self.folder.path().join("log")))
    }

    /// Stops the server as a crash would.
    pub fn stop_immediately(&self) -> Result<()> {
        self.stop("immediate")
    }

    fn stop(&self, mode: &str) -> Result<()> {
        let mode = format!("--mode={mode}");
        run((self.program("pg_ctl")?).args(["stop", &mode, "--timeout=600", "--silent"]))
    }

    fn program(&self, name: &str) -> Result<Command> {
        let mut command = as_user(self.programs.join(name))?;
        command.arg("--pgdata").arg(self.folder.path().join("data"));
        Ok(command)
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        let _ = self.stop_immediately();
    }
}

/// A standby of such a server, which follows it by streaming replication.
pub struct Standby {
    server: OwnPostgres,
}

impl Standby {
    /// The name by which the primary knows it.
    pub const NAME: &'static str = "standby";

    /// Copies the primary and starts to follow it.
    pub fn of(primary: &OwnPostgres) -> Result<Self> {
        let server = OwnPostgres {
            programs: primary.programs.clone(),
            folder: own_folder()?,
            port: free_port()?,
            isolation: primary.isolation,
            tells: primary.tells,
        };
        let source = format!(
            "host=127.0.0.1 port={} user=postgres application_name={}",
            primary.port,
            Self::NAME
        );
        run((server.program("pg_basebackup")?)
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
            .args(["--dbname", &source]))?;
        server.restart()?;
        Ok(Self { server })
    }

    /// Where its database is.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Stops it, so that it falls behind.
    pub fn stop(&self) -> Result<()> {
        self.server.stop("fast")
    }

    /// Starts it again.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Makes it the primary.
    pub fn promote(self) -> Result<OwnPostgres> {
        run((self.server.program("pg_ctl")?).args([
            "promote",
            "--wait",
            "--timeout=600",
            "--silent",
        ]))?;
        Ok(self.server)
    }
}

/// A PgBouncer in transaction mode.
pub struct PgBouncer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl PgBouncer {
    /// Before the server and the user of this URL.
    pub fn before(url: &url::Url) -> Result<Self> {
        Self::with(url, "default_pool_size = 8\n")
    }

    /// The same, with settings of its own, a line for each.
    pub fn with(url: &url::Url, settings: &str) -> Result<Self> {
        let folder = own_folder()?;
        let port = free_port()?;
        let configuration = folder.path().join("pgbouncer.ini");
        let password = match url.password() {
            Some(password) => format!(" password={password}"),
            None => String::new(),
        };
        fs::write(
            &configuration,
            format!(
                "[databases]\n* = host={host} port={server_port} user={user}{password}\n\
                 [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = any\npool_mode = transaction\nserver_login_retry = 1\n{settings}",
                host = url.host_str().unwrap_or("127.0.0.1"),
                server_port = url.port().unwrap_or(5432),
                user = url.username(),
            ),
        )?;
        let process = as_user("pgbouncer")?
            .arg("--quiet")
            .arg(&configuration)
            .stdin(Stdio::null())
            .spawn()
            .context("PgBouncer does not start: install it, as with `apt-get install pgbouncer`")?;
        let mut started = Self {
            process,
            port,
            _folder: folder,
        };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = started.process.try_wait()?;
            ensure!(ended.is_none(), "PgBouncer has ended: {ended:?}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(started)
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A pgpool-II that sends all reads to a standby.
pub struct Pgpool {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Pgpool {
    /// Before these two. With `read_only_functions`, a regular expression, it takes these functions for
    /// ones that only read; otherwise it asks the server what each does.
    pub fn before(
        primary: &OwnPostgres,
        standby: &Standby,
        read_only_functions: &str,
    ) -> Result<Self> {
        let folder = own_folder()?;
        let port = free_port()?;
        let path = folder.path().display();
        let configuration = folder.path().join("pgpool.conf");
        let authentication = folder.path().join("pcp.conf");
        fs::write(&authentication, "")?;
        fs::write(
            &configuration,
            format!(
                "backend_clustering_mode = 'streaming_replication'\nload_balance_mode = on\n\
                 read_only_function_list = '{read_only_functions}'\n\
                 backend_hostname0 = '127.0.0.1'\nbackend_port0 = {primary}\nbackend_weight0 = 0\n\
                 backend_hostname1 = '127.0.0.1'\nbackend_port1 = {standby}\nbackend_weight1 = 1\n\
                 sr_check_user = 'postgres'\nsr_check_database = 'postgres'\nnum_init_children = 8\n\
                 listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{path}'\n\
                 pcp_listen_addresses = ''\npcp_port = {pcp_port}\npcp_socket_dir = '{path}'\n\
                 pid_file_name = '{path}/pid'\nlogdir = '{path}'\nwork_dir = '{path}'\n",
                primary = primary.port,
                standby = standby.server.port,
                pcp_port = free_port()?,
            ),
        )?;
        let process = as_user("pgpool")?
            .arg("-n")
            .arg("-f")
            .arg(&configuration)
            .arg("-F")
            .arg(&authentication)
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()
            .context("pgpool-II does not start: install it, as with `apt-get install pgpool2`")?;
        Ok(Self {
            process,
            port,
            _folder: folder,
        })
    }

    /// Where the database is, through it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Pgpool {
    fn drop(&mut self) {
        // It ends its children by itself when it is interrupted.
        let interrupted = run(Command::new("kill")
            .arg("-INT")
            .arg(self.process.id().to_string()));
        if interrupted.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A folder that servers can use, whoever runs them.
fn own_folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("batchintory-test.")
        .tempdir_in(folder_for_all()?)?;
    if is_root()? {
        run(Command::new("chown").arg(USER).arg(folder.path()))?;
    }
    Ok(folder)
}

/// The folder for temporary files, unless it is closed to others.
fn folder_for_all() -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;

    let folder = env::temp_dir();
    let may_be_entered = folder.metadata()?.permissions().mode() & 0o1 != 0;
    Ok(if may_be_entered {
        folder
    } else {
        "/tmp".into()
    })
}

/// A program that is not run as root.
fn as_user(program: impl AsRef<Path>) -> Result<Command> {
    use std::os::unix::process::CommandExt;

    let mut command = Command::new(program.as_ref());
    command.current_dir("/");
    if is_root()? {
        command.uid(id(&["-u", USER])?).gid(id(&["-g", USER])?);
    }
    Ok(command)
}

fn is_root() -> Result<bool> {
    Ok(id(&["-u"])? == 0)
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output()?;
    let printed = String::from_utf8(output.stdout)?;
    (printed.trim().parse()).with_context(|| format!("there is no user for {arguments:?}"))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("{:?} cannot be run", command.get_program()))?;
    ensure!(
        status.success(),
        "{:?} failed: {status}",
        command.get_program()
    );
    Ok(())
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
