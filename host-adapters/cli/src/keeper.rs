//! What kills commands, with all that they have started, when this program is gone.

#[cfg(unix)]
use std::process::ChildStdin;

/// A process that waits for the end of this one, whatever ends it, and then kills the process groups that
/// it was told.
///
/// The system itself ties a command alone to this program, and on Linux only: what a shell has started
/// would work on after the shell, while somebody else has its items.
pub struct Keeper {
    /// Closed by the system when this program ends.
    #[cfg(unix)]
    orders: Option<ChildStdin>,
}

#[cfg(unix)]
impl Keeper {
    /// Where there is no shell, as in small images, there is none.
    pub fn start() -> Self {
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};

        // A group of its own: what signals or kills all of ours does not meet it.
        let keeper = Command::new("/bin/sh")
            .args(["-c", include_str!("keeper.sh"), "batchintory-keeper"])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            orders: keeper.ok().and_then(|mut keeper| keeper.stdin.take()),
        }
    }

    /// This group is to be killed.
    pub fn watch(&mut self, group: u32) {
        self.tell('+', group);
    }

    /// This group has ended: its number may soon be another's.
    pub fn forget(&mut self, group: u32) {
        self.tell('-', group);
    }

    fn tell(&mut self, sign: char, group: u32) {
        use std::io::Write;

        let order = format!("{sign} {group}\n");
        if let Some(orders) = &mut self.orders
            && orders.write_all(order.as_bytes()).is_err()
        {
            self.orders = None;
        }
    }
}

#[cfg(not(unix))]
impl Keeper {
    pub fn start() -> Self {
        Self {}
    }

    pub fn watch(&mut self, _group: u32) {}

    pub fn forget(&mut self, _group: u32) {}
}
