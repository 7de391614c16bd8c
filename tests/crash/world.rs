//! The model: what was written, who follows, and what must have arrived.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::follow::{self, Follower, Place};
use crate::common::program::lines;
use crate::random::Random;
use crate::series::{Method, Names, Scheme, Series};

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
    /// For each series, how many records stand in the output for good.
    confirmed: Vec<usize>,
    /// The output was checked up to this byte.
    checked: u64,
    follower: Option<Follower>,
    begun: Instant,
    log: Vec<String>,
    count: usize,
}

impl World {
    /// Some series with a few records each, and a follower that has begun.
    pub fn new(seed: u64, treatment: Treatment) -> Self {
        let mut random = Random::new(seed);
        let mut place = Place::new(&["new/*.log"]).loud().with(&["-v"]);
        let mut series = Vec::new();
        for index in 0..random.between(2, 6) {
            let name = format!("s{index}");
            let scheme = scheme(&mut random);
            let one = Series::new(&name, place.path(&name), "audit.log", scheme);
            let files = ["audit.log", "*.log", "audit.log*"][random.index(3)];
            if one.is_data_center() {
                place.follow(&name);
            } else {
                place.follow(&format!("{name}/{files}"));
            }
            series.push(one);
        }
        let mut world = Self {
            kills: 0,
            confirmed: vec![0; series.len()],
            place,
            random,
            treatment,
            seed,
            series,
            checked: 0,
            follower: None,
            begun: Instant::now(),
            log: Vec::new(),
            count: 0,
        };
        for index in 0..world.series.len() {
            world.note(&format!("{:?}", world.series[index].scheme));
            let said = world.series[index].append(&mut world.random);
            world.note_of(index, said);
        }
        world.note("first start");
        world.follower = Some(world.place.start_ready());
        world
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
                    self.note("start");
                    self.follower = Some(self.place.start());
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
            0..35 => series.append(random),
            35..50 => series.part_of_a_line(random),
            50..62 if known => series.rotate(random),
            62..72 => series.reopen(),
            72..92 => series.work(random),
            92..98 => series.delete_oldest(self.confirmed[index]),
            _ => series.finish_line(),
        };
        self.note_of(index, said);
    }

    /// Whether the state knows the file. Before that, its rotated siblings would be files of the
    /// past.
    fn is_known(&self, index: usize) -> bool {
        let series = &self.series[index];
        let path = series.current().to_string_lossy();
        series.is_data_center() || self.confirmed[index] > 0 || self.place.state().contains(&*path)
    }

    fn new_series(&mut self) {
        let index = self.series.len();
        if index >= 9 {
            return;
        }
        let mut scheme = scheme(&mut self.random);
        if matches!(scheme.names, Names::DataCenterDot | Names::DataCenterHyphen) {
            scheme.names = Names::Numbered;
        }
        let (name, base) = (format!("s{index}"), format!("extra{index}.log"));
        let mut series = Series::new(&name, self.place.path("new"), &base, scheme);
        let said = series.append(&mut self.random);
        self.series.push(series);
        self.confirmed.push(0);
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
            self.note("start");
            self.follower = Some(self.place.start());
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
        self.note("once");
        self.place.once();
        self.check();
        self.everything_arrived("after --once");
    }

    /// Finishes all that is half done, and checks that everything arrives, once.
    pub fn end(mut self) {
        for index in 0..self.series.len() {
            let (series, random) = (&mut self.series[index], &mut self.random);
            while series.is_at_work() {
                series.work(random);
            }
            series.finish_line();
        }
        self.note("all is written");
        let mut follower = self.follower.take().unwrap_or_else(|| self.place.start());
        let expected: usize = self.series.iter().map(Series::complete).sum();
        let confirmed: usize = self.confirmed.iter().sum();
        let deadline = Instant::now() + PATIENCE;
        while confirmed + self.unchecked_lines() < expected && Instant::now() < deadline {
            follower.must_run();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.note("waited");
        follower.terminate();
        self.check();
        // What a killed follower had written was counted, too, and taken back by the next one, which
        // may have been asked to end before it had written it again.
        self.once();
        let length = self.output_length();
        self.place.once();
        assert_eq!(self.output_length(), length, "--once has nothing to add");
    }

    fn output_length(&self) -> u64 {
        fs::metadata(self.place.out()).map_or(0, |data| data.len())
    }

    fn everything_arrived(&self, when: &str) {
        for (series, confirmed) in self.series.iter().zip(&self.confirmed) {
            let (name, complete) = (&series.name, series.complete());
            assert!(
                *confirmed >= complete,
                "{when}: of {name}, {confirmed} of {complete} records have arrived"
            );
        }
    }

    /// What was added to the output since the last check.
    fn unchecked(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut file = File::open(self.place.out()).expect("the output");
        file.seek(SeekFrom::Start(self.checked)).expect("sought");
        file.read_to_end(&mut text).expect("read");
        text
    }

    fn unchecked_lines(&self) -> usize {
        memchr::memchr_iter(b'\n', &self.unchecked()).count()
    }

    /// After a clean end the output is final: every event in it is the next one of its series.
    fn check(&mut self) {
        let text = self.unchecked();
        for event in lines(&text) {
            let (name, number) = follow::identity(&event);
            let index = self.series.iter().position(|series| series.name == name);
            let index = index.unwrap_or_else(|| panic!("an unknown series: {event}"));
            let (series, confirmed) = (&self.series[index], &mut self.confirmed[index]);
            assert_eq!(
                number, *confirmed as u64,
                "the next record of {name} is {confirmed}, this is {number}: {event}"
            );
            assert_eq!(follow::original(&event), series.lines[*confirmed]);
            *confirmed += 1;
            let unfinished = *confirmed > series.complete() && !series.lacks_only_the_line_end();
            assert!(!unfinished, "half a line: {event}");
        }
        self.checked += text.len() as u64;
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

/// A way to rotate, as somebody would configure it.
fn scheme(random: &mut Random) -> Scheme {
    let names = [
        Names::Numbered,
        Names::Numbered,
        Names::Dated,
        Names::Timed,
        Names::DataCenterDot,
        Names::DataCenterHyphen,
    ][random.index(6)];
    let method = [Method::Create, Method::NoCreate, Method::CopyTruncate][random.index(3)];
    let compression = [None, Some(".gz"), Some(".gz"), Some(".zst")][random.index(4)];
    let is_data_center = matches!(names, Names::DataCenterDot | Names::DataCenterHyphen);
    // Nothing could tell a copy, or a file whose inode is used again, from the next file if their
    // beginnings were the same.
    let equal_beginnings = random.percent(20) && (is_data_center || method != Method::CopyTruncate);
    let compresses = !is_data_center && !equal_beginnings;
    Scheme {
        names,
        method,
        compression: compression.filter(|_| compresses),
        delay: random.percent(50),
        equal_beginnings,
    }
}
