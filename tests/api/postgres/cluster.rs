//! A PostgreSQL server of a test's own, in a folder that goes with it.
//!
//! All of it waits on the spot: it is also started where no runtime is.

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

/// Its user, who may do everything.
const USER: &str = "al_chat";

/// That user's password. It has to be written otherwise in a URL, and nobody may ever read it anywhere.
const PASSWORD: &str = "Secret?/1";

/// Starts the server at each line it reads, and ends it and removes its folder when there is nothing more to read:
/// that is when the cluster is dropped, and also when the test program is killed.
const KEEPER: &str = r#"
folder=$1; shift
while read -r line; do
    [ -z "$server" ] || wait "$server"
    "$@" >>"$folder/log" 2>&1 & server=$!
done
# It may be held up.
kill -QUIT "$server" && kill -CONT "$server"
wait
rm -rf "$folder""#;

/// What a server is started with. No disk is waited for: what dies here is the server, not the machine.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "fsync=off",
    "autovacuum=off",
    "log_checkpoints=off",
];

/// A server with its data. Dropped, both are gone.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    /// Has the server in its care.
    keeper: Child,
}

impl Cluster {
    /// A server that is answering.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// A server that is answering, to those who come by TLS only.
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
        let keeper = keep(&postgres, &folder);
        let mut cluster = Self { folder, port, keeper };
        cluster.initialize(&data);
        let hosts = if identity.is_some() { "hostssl" } else { "host" };
        cluster.write("data/pg_hba.conf", &format!("{hosts} all all 127.0.0.1/32 scram-sha-256\n"));
        if let Some(identity) = identity {
            cluster.write("data/server.crt", &identity.certificate);
            cluster.write("data/server.key", &identity.key);
        }
        cluster.restart();
        cluster
    }

    /// Makes the data's folder, with the user and the password.
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

    /// Writes a file that is nobody's business but the server's.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        give_to_ordinary_user(&path);
        path
    }

    /// Where all that it leaves on the disk is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of the server, with the user and the password.
    pub fn url(&self) -> Url {
        let mut url = Url::parse(&format!("postgres://{USER}@127.0.0.1:{}", self.port)).expect("a URL");
        url.set_password(Some(PASSWORD)).expect("such a URL can have one");
        url
    }

    /// The address of a new database.
    pub fn database(&self) -> Url {
        let url = database::unused(&self.url());
        database::create(&url);
        url
    }

    /// Kills all its processes as `kill -9` does. Its clients are cut off, and nobody listens where it was.
    pub fn kill(&self) {
        let server = self.server().expect("the server runs");
        // Stopped, it starts no more of them, nor learns that they die.
        send(server, Signal::STOP);
        let mut processes = children_of(server);
        processes.push(server);
        for process in &processes {
            send(*process, Signal::KILL);
        }
        self.wait_until("the end of all processes", || !processes.iter().any(|process| is_alive(*process)));
    }

    /// Holds up all its processes: connections are there, and nobody answers. Until it is thawed.
    pub fn freeze(&self) {
        self.send_to_all(Signal::STOP);
    }

    /// Lets its processes go on.
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

    /// Starts a server that was killed, on the same port with the same data. Returns when it is answering.
    pub fn restart(&mut self) {
        let orders = self.keeper.stdin.as_mut().expect("the keeper's orders");
        orders.write_all(b"start\n").expect("the keeper reads");
        self.wait_until("PostgreSQL", || self.server().is_some() && self.server_file().contains("\nready"));
    }

    /// The first process, if the server runs.
    fn server(&self) -> Option<Pid> {
        let id = self.server_file().lines().next()?.parse().ok()?;
        Pid::from_raw(id).filter(|server| is_alive(*server))
    }

    /// What the server tells of itself: in the first line its process, in the last one how it is.
    fn server_file(&self) -> String {
        fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default()
    }

    fn wait_until(&self, what: &str, reached: impl Fn() -> bool) {
        let begun = Instant::now();
        while !reached() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < TEST_TIMEOUT, "waited in vain for {what}; its log: {}", log());
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The server that many tests share, each with a database of its own. It ends with the test program.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

/// A process that has this server in its care.
fn keep(postgres: &Command, folder: &Path) -> Child {
    let mut keeper = Command::new("/bin/sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(folder).arg(postgres.get_program()).args(postgres.get_args());
    // In a group of its own: Ctrl-C is for the test program, and the keeper comes to know.
    keeper.current_dir(folder).process_group(0);
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell")
}

/// One of PostgreSQL's programs. Debian keeps them where no shell looks.
fn program(name: &str) -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian = debian.map(|version| version.path().join("bin")).collect::<Vec<_>>();
    debian.sort();
    #[expect(clippy::disallowed_methods, reason = "where programs are is no setting of the service's")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(debian.into_iter().rev());
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.is_file()).unwrap_or_else(|| panic!("{name} of PostgreSQL is not installed"))
}

/// A command for somebody else than root, whom PostgreSQL refuses.
fn as_ordinary_user(program: &Path) -> Command {
    let Some((user, group)) = ordinary_user() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}")]).args(["--clear-groups", "--"]).arg(program);
    command
}

fn give_to_ordinary_user(path: &Path) {
    if let Some((user, group)) = ordinary_user() {
        chown(path, Some(user), Some(group)).expect("root may give things away");
    }
}

/// Who runs the server, and that one's group, when the tests are run by root.
fn ordinary_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let number = |kind: &str, user: &str| -> Option<u32> {
        let said = Command::new("id").args([kind, user]).output().ok()?.stdout;
        String::from_utf8(said).ok()?.trim().parse().ok()
    };
    let mut users = ["postgres", "nobody"].into_iter();
    users.find_map(|user| Some((number("-u", user)?, number("-g", user)?)))
}

/// A port that nobody is given by chance while the server is away: those begin at 32768.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| rand::random_range(20_000..32_000));
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("ports without end")
}

fn send(process: Pid, signal: Signal) {
    // One that has ended by itself needs no signal.
    let _ = kill_process(process, signal);
}

fn children_of(process: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let processes = processes.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let parent = Some(process.as_raw_nonzero().to_string());
    processes.filter(|child| status_of(*child, 1) == parent).collect()
}

/// Whether it runs: one that has ended may still be listed until somebody asks how.
fn is_alive(process: Pid) -> bool {
    status_of(process, 0).is_some_and(|state| state != "Z")
}

/// What Linux tells of a process behind its name: first its state, then its parent.
fn status_of(process: Pid, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(field).map(ToOwned::to_owned)
}
