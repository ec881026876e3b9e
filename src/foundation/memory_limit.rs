//! The memory limit of the process's control group, as containers and systemd set it.

use std::{fs, path::Path};

/// The mount point of the control groups.
const MOUNT: &str = "/sys/fs/cgroup";

/// A limit of version 1 from which on there is none.
const UNLIMITED: u64 = 1 << 60;

/// Returns a number of bytes, or this part of the process's memory limit if that is less.
#[must_use]
pub fn at_most_part(bytes: usize, parts: u64) -> usize {
    let part = of_process().and_then(|limit| usize::try_from(limit / parts).ok());
    bytes.min(part.unwrap_or(usize::MAX))
}

/// Returns the lowest memory limit of the process's control group and those above it, in bytes; `None` without a limit.
fn of_process() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(limit_file).filter_map(|(root, group, file)| limit(&root, group, file)).min()
}

/// Returns the root, the group and the name of the limit's file for a line such as `0::/group` or `4:memory:/group`.
fn limit_file(line: &str) -> Option<(String, &str, &'static str)> {
    let (hierarchy, rest) = line.split_once(':')?;
    let (controllers, group) = rest.split_once(':')?;
    if hierarchy == "0" {
        return Some((MOUNT.to_owned(), group, "memory.max"));
    }
    let is_of_memory = controllers.split(',').any(|controller| controller == "memory");
    is_of_memory.then(|| (format!("{MOUNT}/memory"), group, "memory.limit_in_bytes"))
}

/// Returns the lowest limit of a group and those above it. In a container, the group may be named as it is outside.
fn limit(root: &str, group: &str, file: &str) -> Option<u64> {
    let read = |group: &Path| fs::read_to_string(Path::new(root).join(group).join(file)).ok()?.trim().parse().ok();
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    groups.filter_map(read).filter(|limit| *limit < UNLIMITED).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_both_versions_are_found() {
        let root = format!("{MOUNT}/memory");
        assert_eq!(limit_file("0::/a/b"), Some((MOUNT.to_owned(), "/a/b", "memory.max")));
        assert_eq!(limit_file("4:memory,misc:/a"), Some((root, "/a", "memory.limit_in_bytes")));
        assert_eq!(limit_file("3:cpu:/a"), None);
    }

    #[test]
    fn the_lowest_limit_counts() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        for (group, text) in [("", "9223372036854771712\n"), ("a", "4096\n"), ("a/b", "max\n")] {
            fs::write(dir.path().join(group).join("memory.max"), text).unwrap();
        }
        assert_eq!(limit(root, "/a/b", "memory.max"), Some(4096));
        assert_eq!(limit(root, "/elsewhere", "memory.max"), None);
    }
}
