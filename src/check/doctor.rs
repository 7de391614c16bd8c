//! The steps of the doctor, in their order.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::clients::{Clients, brief, patient, probe_gateway, probe_urls};
use super::cluster;
use super::databases::{self, Given};
use super::disk::StateOf;
use super::organization;
use super::records::{self, SiteContext};
use super::visit::ClusterPlan;
use super::{CheckReport, CheckStep, Status, StepName, disk, network, times};
use crate::auth::authorization::Authorization;
use crate::fetch::asker::Asker;
use crate::fetch::connect::{self, FetchTarget, SiteLocation};
use crate::fetch::org::asker::{OrgAsker, OrgTarget};
use crate::fetch::site::Site;
use crate::fetch::time_spec::TimeSpec;
use crate::http::Client;
use crate::http::address::{origin, shown};
use crate::pipeline::timestamp::Timestamp;
use crate::state;

/// Why the steps of the site end early.
enum Stopped {
    /// A step failed, and was reported.
    Failed,
    Report(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Report(error)
    }
}

/// What is checked: what `fetch` would do.
pub struct Plan {
    /// What is fetched from and the credentials, or why they cannot be determined; none: only the cluster is
    /// checked.
    pub target: Option<Result<Target, Box<dyn std::error::Error>>>,
    /// The cluster that events go to, or why it cannot be asked; none: they go to the output.
    pub cluster: Option<Result<ClusterPlan, Box<dyn std::error::Error>>>,
    /// The address of the site, where it is given.
    pub url: Option<Url>,
    /// Only records with this text.
    pub search: Option<String>,
    /// Where the first run begins.
    pub since: TimeSpec,
    /// The directory of the state, where it is not the usual one.
    pub state_dir: Option<PathBuf>,
    /// Configured GeoIP databases.
    pub databases: Vec<Given>,
    /// Output file; `-` is stdout.
    pub output: PathBuf,
    /// Why secrets may be missing here, though the service has them.
    pub unseen_secrets: Option<String>,
}

/// What is fetched from, with credentials.
pub enum Target {
    /// A site.
    Site(Box<FetchTarget>),
    /// An organization.
    Organization(Box<OrgTarget>),
}

/// Runs all steps and reports each.
///
/// # Errors
/// When the report cannot be written.
pub fn run<W: Write>(plan: Plan, report: &mut CheckReport<W>) -> io::Result<()> {
    let doctor = Doctor {
        url: plan.url,
        search: plan.search,
        since: plan.since,
        state_dir: plan.state_dir,
        databases: plan.databases,
        output: plan.cluster.is_none().then_some(plan.output),
        dead_letter: None,
        report,
        site: None,
        organization: None,
        cloud_id: None,
        ahead: None,
    };
    doctor.run(plan.target, plan.cluster)
}

/// Reports what can be seen without asking anybody: what the site and the cluster are asked with, and the steps
/// of this machine.
///
/// # Errors
/// When the report cannot be written.
pub fn look<W: Write>(plan: Plan, report: &mut CheckReport<W>) -> io::Result<()> {
    const NOT_ASKED: &str = "not asked: see --connect";
    let unseen = plan.unseen_secrets.as_deref();
    if let Some(target) = &plan.target {
        let name = StepName::Credentials;
        report.report_step(match target {
            Ok(Target::Site(target)) => match configured(target) {
                Ok((authorization, _)) => {
                    let place = describe(&target.place);
                    CheckStep::ok(name, format!("{place}, as {}", who(&authorization)))
                }
                Err(error) => CheckStep::fail_or_unseen(name, &error, unseen),
            },
            Ok(Target::Organization(target)) => CheckStep::ok(name, organization::describe(target)),
            Err(error) => CheckStep::fail_or_unseen(name, &**error, unseen),
        })?;
    }
    match &plan.cluster {
        Some(Ok(cluster)) => {
            let detail = format!("events go to {}; {NOT_ASKED}", cluster.target);
            report.report_step(CheckStep::skip(StepName::Cluster, detail))?;
        }
        Some(Err(error)) => {
            let step = CheckStep::fail_or_unseen(StepName::Cluster, &**error, unseen);
            report.report_step(step)?;
        }
        None => {}
    }
    let dead_letter = match &plan.cluster {
        Some(Ok(cluster)) => cluster.dead_letter.clone(),
        Some(Err(_)) | None => None,
    };
    let mut doctor = Doctor {
        output: plan.cluster.is_none().then_some(plan.output),
        url: plan.url,
        search: plan.search,
        since: plan.since,
        state_dir: plan.state_dir,
        databases: plan.databases,
        dead_letter,
        report,
        site: None,
        organization: None,
        cloud_id: None,
        ahead: None,
    };
    doctor.own_steps()
}

struct Doctor<'a, W> {
    url: Option<Url>,
    search: Option<String>,
    since: TimeSpec,
    state_dir: Option<PathBuf>,
    databases: Vec<Given>,
    /// None where events go to a cluster.
    output: Option<PathBuf>,
    /// File for dead letters, where it is given.
    dead_letter: Option<PathBuf>,
    report: &'a mut CheckReport<W>,
    /// As soon as it is known.
    site: Option<Site>,
    /// The id of an organization.
    organization: Option<String>,
    /// Cloud id of the site, where it tells it though it is not needed.
    cloud_id: Option<String>,
    /// How far our clock is ahead of the server's, in seconds.
    ahead: Option<i64>,
}

impl<W: Write> Doctor<'_, W> {
    fn run(
        mut self,
        target: Option<Result<Target, Box<dyn std::error::Error>>>,
        cluster: Option<Result<ClusterPlan, Box<dyn std::error::Error>>>,
    ) -> io::Result<()> {
        if let Some(target) = target {
            self.all_api_steps(target)?;
        }
        if let Some(cluster) = cluster {
            self.cluster_steps(cluster)?;
        }
        self.own_steps()
    }

    fn all_api_steps(
        &mut self,
        target: Result<Target, Box<dyn std::error::Error>>,
    ) -> io::Result<()> {
        let ended = match target {
            Ok(Target::Site(target)) => self.site_steps(*target),
            Ok(Target::Organization(target)) => self.organization_steps(*target),
            Err(error) => Err(self.failed(StepName::Configuration, &*error)),
        };
        match ended {
            Ok(()) | Err(Stopped::Failed) => {}
            Err(Stopped::Report(error)) => return Err(error),
        }
        self.report.skip_rest(&StepName::OF_SITE)?;
        let name = StepName::ClockSkew;
        if self.ahead.is_none() && self.report.has_failed() {
            return self.report.skip_rest(&[name]);
        }
        let step = times::clock(name, self.ahead, "records may come late");
        self.report.report_step(step)
    }

    fn cluster_steps(
        &mut self,
        plan: Result<ClusterPlan, Box<dyn std::error::Error>>,
    ) -> io::Result<()> {
        match plan {
            Ok(plan) => {
                self.dead_letter.clone_from(&plan.dead_letter);
                cluster::steps(&plan, &mut |step| self.report.report_step(step))?;
            }
            Err(error) => {
                let step = CheckStep::fail_by(StepName::Cluster, &*error);
                self.report.report_step(step)?;
            }
        }
        self.report.skip_rest(&StepName::OF_CLUSTER)
    }

    /// What fetch needs of this machine.
    fn own_steps(&mut self) -> io::Result<()> {
        let directory = state::directory(self.state_dir.as_deref());
        let site = self.site.as_ref().map(|site| {
            let mut identity = site.identity();
            identity.cloud_id = identity.cloud_id.or(self.cloud_id.clone());
            identity
        });
        let site = site.as_ref();
        let site = site.map(|site| StateOf::Site(site, self.search.as_deref()));
        let organization = self.organization.as_deref().map(StateOf::Organization);
        let step = disk::state_dir(directory, site.or(organization));
        self.report.report_step(step)?;
        for step in databases::steps(&self.databases, Timestamp::now()) {
            self.report.report_step(step)?;
        }
        match &self.output {
            Some(output) => self.report.report_step(disk::output(output)),
            None => Ok(()),
        }?;
        match &self.dead_letter {
            Some(path) => self.report.report_step(disk::dead_letters(path)),
            None => Ok(()),
        }
    }

    /// What fetch needs of the site.
    fn site_steps(&mut self, target: FetchTarget) -> Result<(), Stopped> {
        let (authorization, clients) = self.configuration(&target)?;
        let api_base = connect::api_base(&target.servers, &authorization);
        // Its state can be looked at, whatever the network says.
        self.site = known(&target.place, &api_base);
        let urls = probe_urls(&target.place, &api_base);
        let resolved = network::resolve(&clients.brief, &urls);
        self.report_step(resolved)?;
        let (connected, ahead) = network::connect(&clients.brief, &urls);
        self.ahead = ahead;
        self.report_step(connected)?;
        let site = self.cloud_id(target, &clients.patient, &authorization)?;
        let case = case(&site, &authorization);
        let asker = Asker {
            client: clients.patient,
            site,
            authorization: Arc::new(authorization),
            search: None,
        };
        self.records(&asker, &case)
    }

    /// What fetch needs of the organization.
    fn organization_steps(&mut self, target: OrgTarget) -> Result<(), Stopped> {
        let detail = organization::describe(&target);
        self.organization = Some(target.organization.id.clone());
        let urls = [probe_gateway(&target.organization.api_base)];
        let http = patient(target.http.clone());
        let brief = Client::new(&brief(&http));
        let asked =
            brief.and_then(|brief| Ok((brief, OrgAsker::new(OrgTarget { http, ..target })?)));
        let (brief, asker) = match asked {
            Ok(both) => both,
            Err(error) => return Err(self.failed(StepName::Configuration, &error)),
        };
        self.report_step(CheckStep::ok(StepName::Configuration, detail))?;
        self.report_step(network::resolve(&brief, &urls))?;
        let id = &asker.organization.id;
        if let Some(paused) = organization::paused(self.state_dir.as_deref(), id) {
            return self.report_step(paused);
        }
        let (connected, ahead) = network::connect(&brief, &urls);
        self.ahead = ahead;
        self.report_step(connected)?;
        let none = "an organization has no cloud id";
        self.report_step(CheckStep::skip(StepName::CloudId, none))?;
        let now = records::server_time(Timestamp::now(), self.ahead);
        let (ahead, steps) = organization::steps(&asker, now, self.since.at(now));
        self.ahead = ahead.or(self.ahead);
        for step in steps {
            self.report_step(step)?;
        }
        Ok(())
    }

    fn configuration(&mut self, target: &FetchTarget) -> Result<(Authorization, Clients), Stopped> {
        match configured(target) {
            Ok((authorization, clients)) => {
                let place = describe(&target.place);
                let detail = format!("{place}, as {}", who(&authorization));
                self.report_step(CheckStep::ok(StepName::Configuration, detail))?;
                Ok((authorization, clients))
            }
            // The grant of a login is not what the arguments say, but what is stored.
            Err(error @ (connect::Error::Auth(_) | connect::Error::State(_))) => {
                let detail = "with the stored login (`auth login`)";
                self.report_step(CheckStep::ok(StepName::Configuration, detail))?;
                Err(self.failed(StepName::Credentials, &error))
            }
            Err(error) => Err(self.failed(StepName::Configuration, &error)),
        }
    }

    /// Finds the site, by its cloud id if it has to be asked for.
    fn cloud_id(
        &mut self,
        target: FetchTarget,
        client: &Client,
        authorization: &Authorization,
    ) -> Result<Site, Stopped> {
        let asked = target.place.clone();
        let site = match connect::site(target.place, &target.servers, client, authorization) {
            Ok(site) => site,
            Err(error @ (connect::Error::Auth(_) | connect::Error::State(_))) => {
                return Err(self.failed(StepName::Credentials, &error));
            }
            Err(error) => return Err(self.failed(StepName::CloudId, &error)),
        };
        self.site = Some(site.clone());
        let url = self.url.as_ref();
        let (step, id) = cloud_id(&asked, &site, client, url);
        self.cloud_id = id;
        self.report_step(step)?;
        Ok(site)
    }

    fn records(&mut self, asker: &Asker, case: &SiteContext) -> Result<(), Stopped> {
        let now = Timestamp::now();
        let probed = records::probe(asker, now, self.ahead);
        if let Ok(probe) = &probed {
            self.ahead = probe.ahead.or(self.ahead);
        }
        for step in records::verdict(case, &probed) {
            self.report_step(step)?;
        }
        let Ok(probe) = probed else {
            return Err(Stopped::Failed);
        };
        let now = records::server_time(now, self.ahead);
        let first = self.since.at(now);
        // From now on, there is nothing yet by intention.
        let begins = match self.since {
            TimeSpec::Now => Timestamp::from_millis(0).unwrap_or(now),
            TimeSpec::Time(_) | TimeSpec::Ago(_) => first,
        };
        let search = self.search.as_deref();
        self.report_step(times::newest_record(probe.newest, begins, now, search))?;
        let kept = times::retention(asker, probe.api);
        self.report_step(times::kept(&kept, first, now))
    }

    /// Tells a step; stops at one that failed.
    fn report_step(&mut self, step: CheckStep) -> Result<(), Stopped> {
        let is_failed = step.status == Status::Fail;
        self.report.report_step(step)?;
        if is_failed {
            return Err(Stopped::Failed);
        }
        Ok(())
    }

    fn failed(&mut self, name: StepName, error: &dyn std::error::Error) -> Stopped {
        match self.report_step(CheckStep::fail_by(name, error)) {
            Ok(()) => Stopped::Failed,
            Err(stopped) => stopped,
        }
    }
}

fn configured(target: &FetchTarget) -> Result<(Authorization, Clients), connect::Error> {
    let clients = Clients::new(target.http.clone())?;
    let authorization = connect::authorization(target, &clients.patient)?;
    Ok((authorization, clients))
}

/// The site, where the arguments tell it.
fn known(place: &SiteLocation, api_base: &Url) -> Option<Site> {
    match place {
        SiteLocation::CloudSite(url) => Some(Site::cloud(url)),
        SiteLocation::CloudId(id) => Some(Site::gateway(api_base, id)),
        SiteLocation::DataCenter(url) => Some(Site::data_center(url)),
        SiteLocation::CloudIdOf(_) | SiteLocation::CloudOfLogin(_) => None,
    }
}

fn describe(place: &SiteLocation) -> String {
    match place {
        SiteLocation::CloudSite(url) => format!("Confluence Cloud at {}", shown(url)),
        SiteLocation::CloudId(id) => format!("Confluence Cloud, cloud id {id}"),
        SiteLocation::CloudIdOf(url) => {
            format!("Confluence Cloud, by the cloud id of {}", origin(url))
        }
        SiteLocation::CloudOfLogin(Some(url)) => {
            format!("Confluence Cloud at {}, through the gateway", origin(url))
        }
        SiteLocation::CloudOfLogin(None) => "the Confluence Cloud site of the login".to_owned(),
        SiteLocation::DataCenter(url) => format!("Data Center at {}", shown(url)),
    }
}

fn who(authorization: &Authorization) -> String {
    match authorization {
        Authorization::Basic { user, .. } => format!("{user} with an API token"),
        Authorization::Pat(_) => "the owner of a personal access token".to_owned(),
        Authorization::OAuth(session) => match session.token_set().account {
            Some(account) => format!("account {account} with a stored login"),
            None => "the stored login".to_owned(),
        },
    }
}

fn case(site: &Site, authorization: &Authorization) -> SiteContext {
    SiteContext {
        deployment: site.deployment,
        who: who(authorization),
        scopes: match authorization {
            Authorization::OAuth(session) => Some(session.token_set().scopes),
            Authorization::Basic { .. } | Authorization::Pat(_) => None,
        },
        client_id: authorization.client_id(),
    }
}

/// What is known of the cloud id, with what the site of `--url` says of it; the cloud id of a site that is
/// asked by its own address.
fn cloud_id(
    place: &SiteLocation,
    site: &Site,
    client: &Client,
    url: Option<&Url>,
) -> (CheckStep, Option<String>) {
    let name = StepName::CloudId;
    let asked = |url: &Url| {
        connect::cloud_id(client, url).map_err(|error| match error {
            connect::Error::NoCloudId { problem, .. } => problem,
            error => error.to_string(),
        })
    };
    let used = site.cloud_id().unwrap_or_default();
    let step = match (place, url) {
        (SiteLocation::DataCenter(_), _) => CheckStep::skip(name, "a Data Center has no cloud id"),
        (SiteLocation::CloudSite(url), _) => {
            let asked = asked(url);
            let id = asked.as_ref().ok().map(|id| id.to_ascii_lowercase());
            return (of_cloud_site(asked), id);
        }
        (SiteLocation::CloudId(_), Some(url)) => match asked(url) {
            Ok(other) if other != used => CheckStep::warn(
                name,
                format!("{used}, but {} has {other}", origin(url)),
                "--cloud-id takes precedence: use --cloud-id auto, or leave out --url",
            ),
            Ok(_) => CheckStep::ok(name, format!("{used}, confirmed by {}", origin(url))),
            Err(_) => CheckStep::ok(name, format!("{used}, as given")),
        },
        (SiteLocation::CloudId(_), None) => CheckStep::ok(name, format!("{used}, as given")),
        (SiteLocation::CloudIdOf(url), _) => {
            CheckStep::ok(name, format!("{used}, reported by {}", origin(url)))
        }
        (SiteLocation::CloudOfLogin(_), _) => {
            CheckStep::ok(name, format!("{used}, from the login"))
        }
    };
    (step, None)
}

fn of_cloud_site(asked: Result<String, String>) -> CheckStep {
    match asked {
        Ok(id) => CheckStep::ok(
            StepName::CloudId,
            format!("{id}; not used: only a token with scopes needs --cloud-id auto"),
        ),
        Err(problem) => CheckStep::warn(
            StepName::CloudId,
            format!("the site does not report it: {problem}"),
            "is this Confluence Cloud, and is the name right? fetch does not need the cloud id here",
        ),
    }
}
