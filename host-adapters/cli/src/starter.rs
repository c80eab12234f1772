//! Starting commands, and killing them with all that they have started.

use std::collections::BTreeSet;
use std::io;
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::keeper::Keeper;

/// A command to start, and who waits for it.
struct Order {
    command: Command,
    started: oneshot::Sender<io::Result<Child>>,
}

/// Starts commands, each as a process group of its own. A command is killed when this program is: by itself
/// where the system can tie them, and with all that it has started by a keeper.
pub struct Starter {
    orders: mpsc::Sender<Order>,
    groups: Mutex<Groups>,
}

/// The process groups of the commands that run.
struct Groups {
    running: BTreeSet<u32>,
    keeper: Keeper,
}

impl Groups {
    fn add(&mut self, group: u32) {
        self.running.insert(group);
        self.keeper.watch(group);
    }

    fn remove(&mut self, group: u32) {
        if self.running.remove(&group) {
            self.keeper.forget(group);
        }
    }
}

impl Starter {
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn new() -> io::Result<Self> {
        let (orders, received) = mpsc::channel::<Order>();
        let runtime = Handle::current();
        // On Linux a command is killed with the thread that has started it. The runtime's own threads come
        // and go.
        let start = move || {
            let _context = runtime.enter();
            while let Ok(mut order) = received.recv() {
                // Nobody may wait any more: it is then killed as it is dropped.
                let _ = order.started.send(order.command.spawn());
            }
        };
        thread::Builder::new()
            .name("batchintory-starter".into())
            .spawn(start)?;
        Ok(Self {
            orders,
            groups: Mutex::new(Groups {
                running: BTreeSet::new(),
                keeper: Keeper::start(),
            }),
        })
    }

    /// Starts a command with pipes.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub async fn start(&self, mut command: Command) -> io::Result<Child> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own, so that the terminal's Ctrl-C reaches us and not the command.
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(target_os = "linux")]
        tie(&mut command);
        let (started, child) = oneshot::channel();
        let broken = || io::Error::other("the thread that starts commands has ended");
        self.orders
            .send(Order { command, started })
            .map_err(|_| broken())?;
        let child = child.await.map_err(|_| broken())??;
        if let Some(group) = child.id() {
            self.groups().add(group);
        }
        Ok(child)
    }

    /// The command has ended by itself: its group may soon be another's.
    pub fn forget(&self, group: Option<u32>) {
        if let Some(group) = group {
            self.groups().remove(group);
        }
    }

    /// Kills a command with all that it has started.
    pub async fn kill(&self, child: &mut Child, group: Option<u32>) {
        if let Some(group) = group {
            kill_group(group);
        }
        let _ = child.kill().await;
        self.forget(group);
    }

    /// Kills all commands with all that they have started.
    pub fn kill_all(&self) {
        let mut groups = self.groups();
        while let Some(&group) = groups.running.first() {
            kill_group(group);
            groups.remove(group);
        }
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a command be killed when the thread that starts it ends, as it does with this program, however
/// that ends.
#[cfg(target_os = "linux")]
fn tie(command: &mut Command) {
    use nix::errno::Errno;
    use nix::sys::{prctl, signal::Signal};
    use nix::unistd::{Pid, getppid};

    let parent = Pid::this();
    let tie = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // It may have ended before it was tied.
        match getppid() == parent {
            true => Ok(()),
            false => Err(Errno::ESRCH.into()),
        }
    };
    // SAFETY: between fork and exec only system calls may be made, and these are two.
    unsafe {
        command.pre_exec(tie);
    }
}

fn kill_group(group: u32) {
    #[cfg(unix)]
    if let Ok(group) = i32::try_from(group) {
        use nix::sys::signal::{Signal, killpg};
        // It may have ended by itself meanwhile.
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
    #[cfg(not(unix))]
    let _ = group;
}
