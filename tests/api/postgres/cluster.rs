//! A PostgreSQL server in a temporary folder.
//!
//! All functions block: they are also called outside a runtime.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use url::Url;

use crate::{
    fakes::certificates::Identity,
    support::{database, service::TEST_TIMEOUT},
};

/// The superuser of the server.
const USER: &str = "al_chat";

/// The password of that user. It must be percent-encoded in a URL, and must never appear in any output.
const PASSWORD: &str = "Secret?/1";

/// A shell script that starts the server for each line that it reads. At the end of its input, when the cluster is
/// dropped or the test program is killed, it stops the server and removes the folder.
const SUPERVISOR: &str = r#"
folder=$1; shift
while read -r line; do
    [ -z "$server" ] || wait "$server"
    "$@" >>"$folder/log" 2>&1 & server=$!
done
# It may be held up.
kill -QUIT "$server" && kill -CONT "$server"
wait
rm -rf "$folder""#;

/// The settings of a server. It does not sync to disk, since tests kill the server and not the machine.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "fsync=off",
    "autovacuum=off",
    "log_checkpoints=off",
];

/// A PostgreSQL server and its data. Dropping it removes both.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    /// The process of the script that starts and stops the server.
    supervisor: Child,
}

impl Cluster {
    /// Starts a server and waits until it accepts connections.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a server that accepts only TLS connections, and waits until it does.
    pub fn start_with_tls(identity: &Identity) -> Self {
        Self::start_with(Some(identity))
    }

    fn start_with(identity: Option<&Identity>) -> Self {
        let folder = tempfile::Builder::new().prefix("al-chat-postgres-").tempdir().expect("a folder").keep();
        let port = free_port();
        let settings = [format!("port={port}"), format!("ssl={}", if identity.is_some() { "on" } else { "off" })];
        let settings = settings.iter().map(String::as_str).chain(SETTINGS.iter().copied());
        let data = folder.join("data");
        let mut postgres = as_ordinary_user(&program("postgres"));
        postgres.arg("-D").arg(&data).args(settings.flat_map(|setting| ["-c", setting]));
        let supervisor = start_supervisor(&postgres, &folder);
        let mut cluster = Self { folder, port, supervisor };
        cluster.initialize(&data);
        // SCRAM takes this program, which is not optimised, longer than most tests; so only connections by TLS use it.
        let hosts = if identity.is_some() { ("hostssl", "scram-sha-256") } else { ("host", "password") };
        cluster.write("data/pg_hba.conf", &format!("{} all all 127.0.0.1/32 {}\n", hosts.0, hosts.1));
        if let Some(identity) = identity {
            cluster.write("data/server.crt", &identity.certificate);
            cluster.write("data/server.key", &identity.key);
        }
        cluster.restart();
        cluster
    }

    /// Creates the data folder with the user and the password.
    fn initialize(&self, data: &Path) {
        give_to_ordinary_user(&self.folder);
        let password = self.write("password", PASSWORD);
        let mut initdb = as_ordinary_user(&program("initdb"));
        initdb.arg("--pgdata").arg(data).arg("--pwfile").arg(password);
        initdb.args([
            "--username",
            USER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ]);
        let ran = initdb.current_dir(&self.folder).output().expect("initdb runs");
        assert!(ran.status.success(), "initdb: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// Writes a file that only the server's user can read.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        give_to_ordinary_user(&path);
        path
    }

    /// Returns the folder with all files of the server.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the URL of the server, with user and password.
    pub fn url(&self) -> Url {
        let mut url = Url::parse(&format!("postgres://{USER}@127.0.0.1:{}", self.port)).expect("a URL");
        url.set_password(Some(PASSWORD)).expect("a URL that can have a port");
        url
    }

    /// Creates a database and returns its URL.
    pub fn database(&self) -> Url {
        let url = database::unused(&self.url());
        database::create(&url);
        url
    }

    /// Kills all processes of the server with SIGKILL. Its connections break, and its port is closed.
    pub fn kill(&self) {
        let server = self.server().expect("the server runs");
        // A stopped process starts no further processes and does not notice that they exit.
        send(server, Signal::STOP);
        let mut processes = children_of(server);
        processes.push(server);
        for process in &processes {
            send(*process, Signal::KILL);
        }
        self.wait_until("the end of all processes", || !processes.iter().any(|process| is_alive(*process)));
    }

    /// Stops all processes of the server with SIGSTOP until `thaw`: connections stay open without any response.
    pub fn freeze(&self) {
        self.send_to_all(Signal::STOP);
    }

    /// Continues the processes of the server.
    pub fn thaw(&self) {
        self.send_to_all(Signal::CONT);
    }

    fn send_to_all(&self, signal: Signal) {
        let server = self.server().expect("the server runs");
        send(server, signal);
        for process in children_of(server) {
            send(process, signal);
        }
    }

    /// Starts a killed server again, on the same port with the same data. Returns when it accepts connections.
    pub fn restart(&mut self) {
        let orders = self.supervisor.stdin.as_mut().expect("the supervisor's input");
        orders.write_all(b"start\n").expect("the supervisor reads its input");
        self.wait_until("PostgreSQL", || self.server().is_some() && self.server_file().contains("\nready"));
    }

    /// Returns the main process of a running server.
    fn server(&self) -> Option<Pid> {
        let id = self.server_file().lines().next()?.parse().ok()?;
        Pid::from_raw(id).filter(|server| is_alive(*server))
    }

    /// Returns the server's `postmaster.pid`: the first line is its process ID, the last one its status.
    fn server_file(&self) -> String {
        fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default()
    }

    fn wait_until(&self, what: &str, reached: impl Fn() -> bool) {
        let started = Instant::now();
        while !reached() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < TEST_TIMEOUT, "waited too long for {what}; log of the server: {}", log());
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// Returns the server that many tests share, each with its own database. It stops with the test program.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

/// Starts the script that starts and stops the server.
fn start_supervisor(postgres: &Command, folder: &Path) -> Child {
    let mut supervisor = Command::new("/bin/sh");
    supervisor.args(["-c", SUPERVISOR, "keeper"]).arg(folder).arg(postgres.get_program()).args(postgres.get_args());
    // A process group of its own: Ctrl-C reaches only the test program, and the script notices the end of its input.
    supervisor.current_dir(folder).process_group(0);
    supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell")
}

/// Returns the path of a PostgreSQL program. Debian installs them outside `PATH`.
fn program(name: &str) -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian = debian.map(|version| version.path().join("bin")).collect::<Vec<_>>();
    debian.sort();
    #[expect(clippy::disallowed_methods, reason = "the path of programs is not a setting of the service")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(debian.into_iter().rev());
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file()).unwrap_or_else(|| panic!("{name} of PostgreSQL is not installed"))
}

/// Returns a command that runs as an ordinary user, since PostgreSQL refuses to run as root.
fn as_ordinary_user(program: &Path) -> Command {
    let Some((user, group)) = ordinary_user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}")]).args(["--clear-groups", "--"]).arg(program);
    command
}

fn give_to_ordinary_user(path: &Path) {
    if let Some((user, group)) = ordinary_user() {
        chown(path, Some(user), Some(group)).expect("root can change the owner");
    }
}

/// Returns the user and group for the server if the tests run as root.
fn ordinary_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let number = |kind: &str, user: &str| -> Option<u32> {
        let id_output = Command::new("id").args([kind, user]).output().ok()?.stdout;
        String::from_utf8(id_output).ok()?.trim().parse().ok()
    };
    let mut users = ["postgres", "nobody"].into_iter();
    users.find_map(|user| Some((number("-u", user)?, number("-g", user)?)))
}

/// Returns a free port below 32768, where the system assigns none while the server is down.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| rand::random_range(20_000..32_000));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

fn send(process: Pid, signal: Signal) {
    // A process that has exited needs no signal.
    let _ = kill_process(process, signal);
}

fn children_of(process: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let processes = processes.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let parent = Some(process.as_raw_nonzero().to_string());
    processes.filter(|child| status_of(*child, 1) == parent).collect()
}

/// Returns whether a process runs. An exited process may still be listed as a zombie.
fn is_alive(process: Pid) -> bool {
    status_of(process, 0).is_some_and(|state| state != "Z")
}

/// Returns a field of Linux's process status after the name: first the state, then the parent.
fn status_of(process: Pid, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(field).map(ToOwned::to_owned)
}
