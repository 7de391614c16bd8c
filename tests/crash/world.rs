//! The model: what was written, who follows, and what must have arrived.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::arrivals::Arrivals;
use crate::random::Random;
use crate::reach::Reach;
use crate::scheme::Scheme;
use crate::series::Series;
use crate::support::binary;
use crate::support::place::{self, Follower, Place};

/// The log of each series that is there at the start.
const BASE: &str = "audit.log";
/// How long the last records may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the follower is treated.
#[derive(Clone, Copy)]
pub struct Treatment {
    /// How many times in a hundred a live follower is killed, rather than left alone.
    pub kill: u64,
    /// The same for SIGTERM.
    pub terminate: u64,
    /// How many times in a hundred a stopped one is started.
    pub start: u64,
}

/// Everything of one run.
pub struct World {
    pub kills: usize,
    place: Place,
    random: Random,
    treatment: Treatment,
    seed: u64,
    series: Vec<Series>,
    /// For each series that was there at the start, the pattern of its files.
    files: Vec<&'static str>,
    /// Whether the state has known a file of a series.
    known: Vec<bool>,
    arrivals: Arrivals,
    follower: Option<Follower>,
    begun: Instant,
    log: Vec<String>,
    count: usize,
}

impl World {
    /// Some series with a few records each, and a follower that has begun.
    pub fn new(seed: u64, treatment: Treatment) -> Self {
        let mut random = Random::new(seed);
        let format = ["ndjson", "bulk"][random.index(2)];
        let place = Place::new(&[]).loud().with(&["-v", "--format", format]);
        let (mut series, mut files) = (Vec::new(), Vec::new());
        for index in 0..random.between(2, 6) {
            let name = format!("s{index}");
            let scheme = Scheme::any(&mut random);
            let reach = Reach::any(&scheme, &mut random);
            let folder = place.path(&name);
            Reach::link(&place.path(""), &name, BASE);
            series.push(Series::new(&name, folder, BASE, scheme, reach));
            files.push([BASE, "*.log", "audit.log*"][random.index(3)]);
        }
        let mut world = Self {
            kills: 0,
            arrivals: Arrivals::new(place.out()),
            known: vec![false; series.len()],
            place,
            random,
            treatment,
            seed,
            series,
            files,
            follower: None,
            begun: Instant::now(),
            log: Vec::new(),
            count: 0,
        };
        for index in 0..world.series.len() {
            let series = &world.series[index];
            world.note(&format!("{:?}, {:?}", series.scheme, series.reach));
            let said = world.series[index].append(&mut world.random);
            world.note_of(index, said);
        }
        world.choose_paths();
        world.note(&format!("first start, --format {format}"));
        world.follower = Some(world.place.start_ready());
        world
    }

    /// By what paths the series are followed from the next start on.
    fn choose_paths(&mut self) {
        self.place.follow_only("new/*.log");
        for (series, files) in self.series.iter().zip(&self.files) {
            let (reach, scheme) = (series.reach, &series.scheme);
            let pattern = reach.pattern(&series.name, scheme, files, &mut self.random);
            self.place.follow(&pattern);
            if reach == Reach::Changing {
                let at = self.begun.elapsed().as_micros();
                self.log.push(format!("      {at:>9} µs  follow {pattern}"));
            }
        }
    }

    /// What others do to the output while nobody writes to it.
    fn meddle_with_output(&mut self) {
        for _ in 0..2 {
            let outputs = &mut self.arrivals.outputs;
            let said = match self.random.below(10) {
                0 | 1 => outputs.rotate(&mut self.random),
                2 => outputs.append_foreign(&mut self.random),
                3 => outputs.replace(&mut self.random),
                _ => None,
            };
            if let Some(said) = said {
                self.note(&said);
            }
        }
    }

    fn start(&mut self) {
        self.choose_paths();
        self.meddle_with_output();
        self.note("start");
        self.follower = Some(self.place.start());
    }

    /// Does something.
    pub fn step(&mut self) {
        match self.random.below(100) {
            0..55 => self.write(),
            55..68 => self.pause(10),
            // Long enough to come to an end with everything.
            68..70 => self.pause(300),
            70..75 if self.follower.is_none() && self.random.percent(40) => self.once(),
            75..78 => self.new_series(),
            _ if self.follower.is_none() => {
                if self.random.percent(self.treatment.start) {
                    self.start();
                }
            }
            _ => {
                let choice = self.random.below(100);
                if choice < self.treatment.kill {
                    self.kill();
                } else if choice < self.treatment.kill + self.treatment.terminate {
                    self.terminate();
                }
            }
        }
    }

    /// Something happens to the files of a series.
    fn write(&mut self) {
        let index = self.random.index(self.series.len());
        let known = self.is_known(index);
        let (series, random) = (&mut self.series[index], &mut self.random);
        let said = match random.below(100) {
            0..33 => series.append(random),
            33..46 => series.part_of_a_line(random),
            46..58 if known => series.rotate(random),
            58..66 => series.reopen(),
            66..85 => series.work(random),
            85..90 => series.delete_oldest(self.arrivals.next(index)),
            90..93 => series.replace(random),
            93..95 => series.begin_to_restore(self.arrivals.next(index), random),
            95..98 => series.rename_folder(),
            _ => series.finish_line(),
        };
        self.note_of(index, said);
    }

    /// Whether the state knows the file. Before that, its rotated siblings would be files of the
    /// past.
    fn is_known(&mut self, index: usize) -> bool {
        let series = &self.series[index];
        let path = series.current().to_string_lossy();
        let is_known = &mut self.known[index];
        *is_known = *is_known
            || series.scheme.is_data_center()
            || self.arrivals.next(index) > 0
            || self.place.state().contains(&*path);
        *is_known
    }

    fn new_series(&mut self) {
        let index = self.series.len();
        if index >= 9 {
            return;
        }
        let scheme = Scheme::any(&mut self.random).without_data_center();
        let (name, base) = (format!("s{index}"), format!("extra{index}.log"));
        let folder = self.place.path("new");
        let mut series = Series::new(&name, folder, &base, scheme, Reach::Real);
        let said = series.append(&mut self.random);
        self.series.push(series);
        self.known.push(false);
        self.note(&format!("{scheme:?}"));
        self.note_of(index, said);
    }

    fn pause(&mut self, milliseconds: u64) {
        let pause = self.random.pause(milliseconds);
        std::thread::sleep(pause);
    }

    /// SIGKILL, at a random moment after what happened last: the writer goes on until then, or
    /// stands still.
    fn kill(&mut self) {
        if self.random.percent(50) {
            self.pause(80);
        } else {
            for _ in 0..self.random.between(1, 8) {
                self.write();
                self.pause(10);
            }
        }
        if let Some(follower) = self.follower.take() {
            follower.kill();
            self.kills += 1;
            self.note("kill");
        }
        // Often it is started again at once.
        if self.random.percent(self.treatment.start) {
            self.start();
        }
    }

    fn terminate(&mut self) {
        if let Some(follower) = self.follower.take() {
            self.note("terminate");
            follower.terminate();
            self.note("terminated");
            self.check();
        }
    }

    fn once(&mut self) {
        for index in 0..self.series.len() {
            // What is not there cannot arrive.
            while self.series[index].is_being_restored() {
                let said = self.series[index].work(&mut self.random);
                self.note_of(index, said);
            }
        }
        self.choose_paths();
        self.meddle_with_output();
        self.note("once");
        let is_any_missing = !self.series.iter().all(|series| series.current().exists());
        let output = place::finish(self.place.tail_to_file(&["--once"]));
        let (code, told) = (output.status.code(), binary::stderr(&output));
        // A file that rotation has taken away may be what a path names.
        assert!(
            code == Some(0) || is_any_missing && code == Some(1),
            "--once: {told}"
        );
        self.check();
        self.arrivals.must_be_complete(&self.series, "after --once");
    }

    fn check(&mut self) {
        self.arrivals.check(&self.series);
    }

    /// Finishes all that is half done, and checks that everything arrives, once.
    pub fn end(mut self) {
        for index in 0..self.series.len() {
            let (series, random) = (&mut self.series[index], &mut self.random);
            let mut said = Vec::new();
            while series.is_at_work() {
                said.push(series.work(random));
            }
            said.push(series.finish_line());
            for said in said {
                self.note_of(index, said);
            }
        }
        self.note("all is written");
        if self.follower.is_none() {
            self.start();
        }
        let Some(mut follower) = self.follower.take() else {
            return;
        };
        let deadline = Instant::now() + PATIENCE;
        let mut length = None;
        while Instant::now() < deadline {
            let now = Some(self.arrivals.outputs.length());
            let before = std::mem::replace(&mut length, now);
            if length != before && self.arrivals.is_at_the_end(&self.series) {
                break;
            }
            follower.must_run();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.note("waited");
        follower.terminate();
        self.check();
        // What a killed follower had written was counted, too, and taken back by the next one, which
        // may have been asked to end before it had written it again.
        self.once();
        let length = self.arrivals.outputs.length();
        place::finish(self.place.tail_to_file(&["--once"]));
        let now = self.arrivals.outputs.length();
        assert_eq!(now, length, "--once has nothing to add");
    }

    fn note(&mut self, what: &str) {
        self.count += 1;
        let at = self.begun.elapsed().as_micros();
        self.log
            .push(format!("{:>5} {at:>9} µs  {what}", self.count));
    }

    fn note_of(&mut self, index: usize, said: Option<String>) {
        if let Some(said) = said {
            let name = self.series[index].name.clone();
            self.note(&format!("{name}: {said}"));
        }
    }
}

impl Drop for World {
    /// On a failure, all that helps to understand it.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.follower = None;
        if let Some(keep) = std::env::var_os("CONFLUENCE_ECS_KEEP") {
            let to = Path::new(&keep).join(self.seed.to_string());
            let _ = std::process::Command::new("cp")
                .arg("-a")
                .arg(self.place.folder())
                .arg(&to)
                .status();
        }
        let mut told = format!("seed {} (CONFLUENCE_ECS_SEED)\noperations:\n", self.seed);
        let recent = self.log.len().saturating_sub(400);
        told += &self.log[..self.log.len().min(12)].join("\n");
        told += "\n…\n";
        told += &self.log[recent..].join("\n");
        told += "\nfiles:\n";
        list(self.place.folder(), &mut told);
        for path in self.place.state_files() {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let _ = writeln!(told, "{}:\n{text}", path.display());
        }
        let said = self.place.said();
        let lines: Vec<_> = said.lines().collect();
        let recent = lines.len().saturating_sub(200);
        eprintln!("{told}\nstderr:\n{}", lines[recent..].join("\n"));
    }
}

/// Lists a folder: inode, length and name.
fn list(folder: &Path, told: &mut String) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(data) = path.symlink_metadata() else {
            continue;
        };
        if data.is_dir() {
            list(&path, told);
        } else {
            let _ = writeln!(
                told,
                "{:>10} {:>9} {}",
                data.ino(),
                data.len(),
                path.display()
            );
        }
    }
}
