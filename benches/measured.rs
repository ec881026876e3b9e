//! The measurements of one target, and how they are printed.

use std::time::Duration;

/// The measurements of all rounds of one target.
#[derive(Default)]
pub(crate) struct Measured {
    /// The latencies, sorted when the rounds have been merged.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) time: Duration,
    pub(crate) cpu: Option<Duration>,
}

impl Measured {
    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.time += other.time;
        self.cpu = other.cpu.map(|cpu| cpu + self.cpu.unwrap_or_default());
    }

    pub(crate) fn count(&self) -> f64 {
        number(self.latencies.len())
    }

    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.time.as_secs_f64()
    }

    /// Returns a percentile of the latencies in microseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the list")]
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        micros(self.latencies[(self.count() * part) as usize])
    }

    /// Returns the CPU time per request in microseconds.
    pub(crate) fn cpu_each(&self) -> Option<f64> {
        Some(micros(self.cpu?) / self.count())
    }

    /// Prints one line; the numbers in parentheses are the difference to calling the model directly.
    pub(crate) fn print(&self, name: &str, direct: &Self) {
        let rate = self.rate();
        let [p50, p99] = [0.5, 0.99].map(|part| self.percentile(part));
        let [more50, more99] = [0.5, 0.99].map(|part| self.percentile(part) - direct.percentile(part));
        print!("  {name:8} {rate:7.0}/s   p50 {p50:6.0} µs ({more50:+.0})   p99 {p99:6.0} µs ({more99:+.0})");
        print_cpu(self.cpu_each());
    }
}

/// Ends a line with the CPU time per request in microseconds, if it is known.
pub(crate) fn print_cpu(each: Option<f64>) {
    match each {
        Some(cpu) => println!("   CPU {cpu:6.2} µs each"),
        None => println!(),
    }
}

pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a bounded run"))
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
