//! What was measured of a target, and how it is printed.

use std::time::Duration;

/// What the rounds of one target came to.
#[derive(Default)]
pub(crate) struct Measured {
    /// In order once rounds have been added up.
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

    /// In microseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        micros(self.latencies[(self.count() * part) as usize])
    }

    /// Microseconds of CPU for each request.
    pub(crate) fn cpu_each(&self) -> Option<f64> {
        Some(micros(self.cpu?) / self.count())
    }

    /// One line; in brackets what is more than asking the model directly.
    pub(crate) fn print(&self, name: &str, direct: &Self) {
        let rate = self.rate();
        let [p50, p99] = [0.5, 0.99].map(|part| self.percentile(part));
        let [more50, more99] = [0.5, 0.99].map(|part| self.percentile(part) - direct.percentile(part));
        print!("  {name:8} {rate:7.0}/s   p50 {p50:6.0} µs ({more50:+.0})   p99 {p99:6.0} µs ({more99:+.0})");
        print_cpu(self.cpu_each());
    }
}

/// Ends a line with the CPU time of each, in microseconds, where it is known.
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
