//! How the files of a series come and go.

use crate::random::Random;

/// How the files of a series come and go.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    pub names: Names,
    pub method: Method,
    /// The suffix that compressed files get.
    pub compression: Option<&'static str>,
    /// The newest rotated file is not compressed.
    pub delay: bool,
    /// Every file begins with the same 5 KiB.
    pub equal_beginnings: bool,
}

/// How files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `audit.log.1`, shifted at every rotation.
    Numbered,
    /// `audit.log-20260411`.
    Dated,
    /// `audit.log-20260411-060000`.
    Timed,
    /// `20260101.00000.audit.log`.
    DataCenterDot,
    /// `20260101-00000.audit.log`.
    DataCenterHyphen,
}

/// How a file is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Create,
    NoCreate,
    CopyTruncate,
}

impl Scheme {
    /// A way to rotate, as somebody would configure it.
    pub fn any(random: &mut Random) -> Self {
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
        let equal_beginnings =
            random.percent(20) && (is_data_center || method != Method::CopyTruncate);
        let compresses = !is_data_center && !equal_beginnings;
        Self {
            names,
            method,
            compression: compression.filter(|_| compresses),
            delay: random.percent(50),
            equal_beginnings,
        }
    }

    /// The same for a log whose name stays.
    pub fn without_data_center(self) -> Self {
        if !self.is_data_center() {
            return self;
        }
        Self {
            names: Names::Numbered,
            equal_beginnings: self.equal_beginnings && self.method != Method::CopyTruncate,
            ..self
        }
    }

    pub fn is_data_center(&self) -> bool {
        matches!(self.names, Names::DataCenterDot | Names::DataCenterHyphen)
    }
}
