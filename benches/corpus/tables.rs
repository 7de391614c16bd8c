//! What the records are drawn from.

/// An event of Data Center, how often it comes, and what goes with it.
pub struct Kind {
    pub weight: u64,
    pub key: &'static str,
    pub action: &'static str,
    pub area: &'static str,
    /// text and i18n key
    pub category: (&'static str, &'static str),
    pub level: &'static str,
    pub shape: Shape,
}

/// What a Data Center event is about: decides its objects, values and attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Content,
    Search,
    AuditSearch,
    Login,
    LoginFailed,
    Membership,
    Group,
    Profile,
    Permission,
    Token,
    Settings,
    Space,
    Export,
    Job,
}

const PAGES: (&str, &str) = ("Pages", "audit.logging.category.page");
const SEARCH: (&str, &str) = ("Search", "audit.logging.category.search");
const AUDIT: (&str, &str) = ("Auditing", "atlassian.audit.event.category.audit");
const AUTH: (&str, &str) = ("Security", "audit.logging.category.auth");
const USERS: (&str, &str) = ("Users and groups", "audit.logging.category.user.management");
const PERMISSIONS: (&str, &str) = ("Permissions", "audit.logging.category.permission");
const SPACES_: (&str, &str) = ("Spaces", "audit.logging.category.space");
const ADMIN: (&str, &str) = ("Global administration", "audit.logging.category.admin");
const TOKENS: (&str, &str) = (
    "Personal access tokens",
    "personal.access.tokens.audit.log.category",
);

const fn kind(
    weight: u64,
    key: &'static str,
    action: &'static str,
    category: (&'static str, &'static str),
    (area, level): (&'static str, &'static str),
    shape: Shape,
) -> Kind {
    Kind {
        weight,
        key,
        action,
        area,
        category,
        level,
        shape,
    }
}

const ACTIVITY: (&str, &str) = ("END_USER_ACTIVITY", "FULL");
const CONTENT: (&str, &str) = ("END_USER_ACTIVITY", "ADVANCED");
const SECURITY: (&str, &str) = ("SECURITY", "ADVANCED");
const PEOPLE: (&str, &str) = ("USER_MANAGEMENT", "BASE");
const RIGHTS: (&str, &str) = ("PERMISSIONS", "BASE");
const GLOBAL: (&str, &str) = ("GLOBAL_CONFIG_AND_ADMINISTRATION", "BASE");
const LOCAL: (&str, &str) = ("LOCAL_CONFIG_AND_ADMINISTRATION", "BASE");
const LOG: (&str, &str) = ("AUDIT_LOG", "BASE");

#[rustfmt::skip] // a table: one event a line
pub const KINDS: &[Kind] = &[
    kind(300, "audit.logging.summary.page.viewed", "Page viewed", PAGES, ACTIVITY, Shape::Content),
    kind(100, "audit.logging.summary.search.performed", "Search performed", SEARCH, ACTIVITY, Shape::Search),
    kind(60, "audit.logging.summary.page.created", "Page created", PAGES, CONTENT, Shape::Content),
    kind(120, "audit.logging.summary.page.updated", "Page updated", PAGES, CONTENT, Shape::Content),
    kind(15, "audit.logging.summary.page.deleted", "Page deleted", PAGES, CONTENT, Shape::Content),
    kind(8, "audit.logging.summary.page.moved", "Page moved", PAGES, CONTENT, Shape::Content),
    kind(10, "audit.logging.summary.blog.created", "Blog post created", PAGES, CONTENT, Shape::Content),
    kind(15, "audit.logging.summary.page.exported.word", "Page exported to Word", PAGES, CONTENT, Shape::Content),
    kind(120, "audit.logging.summary.login.success", "User login successful", AUTH, SECURITY, Shape::Login),
    kind(40, "audit.logging.summary.login.failed", "User login failed", AUTH, SECURITY, Shape::LoginFailed),
    kind(40, "audit.logging.summary.user.logout", "User logout", AUTH, SECURITY, Shape::Login),
    kind(8, "audit.logging.summary.sudo.auth.successful", "Secure administrator session started", AUTH, SECURITY, Shape::Login),
    kind(6, "audit.logging.summary.sudo.logout", "Secure administrator session ended", AUTH, SECURITY, Shape::Login),
    kind(25, "audit.logging.summary.group.membership.added", "User added to group", USERS, PEOPLE, Shape::Membership),
    kind(15, "audit.logging.summary.group.membership.removed", "User removed from group", USERS, PEOPLE, Shape::Membership),
    kind(6, "audit.logging.summary.group.created", "Group created", USERS, PEOPLE, Shape::Group),
    kind(3, "audit.logging.summary.group.deleted", "Group deleted", USERS, PEOPLE, Shape::Group),
    kind(10, "audit.logging.summary.user.created", "User created", USERS, PEOPLE, Shape::Profile),
    kind(10, "audit.logging.summary.user.updated", "User details updated", USERS, PEOPLE, Shape::Profile),
    kind(4, "audit.logging.summary.user.deleted", "User deleted", USERS, PEOPLE, Shape::Login),
    kind(4, "audit.logging.summary.user.password.changed", "User password changed", USERS, PEOPLE, Shape::Login),
    kind(25, "audit.logging.summary.space.permission.added", "Space permission added", PERMISSIONS, RIGHTS, Shape::Permission),
    kind(10, "audit.logging.summary.space.permission.removed", "Space permission removed", PERMISSIONS, RIGHTS, Shape::Permission),
    kind(6, "audit.logging.summary.global.permission.added", "Global permission added", PERMISSIONS, RIGHTS, Shape::Permission),
    kind(12, "personal.access.tokens.audit.log.summary.token.created", "Personal access token created", TOKENS, SECURITY, Shape::Token),
    kind(8, "personal.access.tokens.audit.log.summary.token.deleted", "Personal access token deleted", TOKENS, SECURITY, Shape::Token),
    kind(10, "audit.logging.summary.global.settings.edited", "Global settings edited", ADMIN, GLOBAL, Shape::Settings),
    kind(3, "atlassian.audit.event.action.audit.config.updated", "Audit Log configuration updated", AUDIT, LOG, Shape::Settings),
    kind(20, "atlassian.audit.event.action.audit.search", "Audit Log search performed", AUDIT, LOG, Shape::AuditSearch),
    kind(6, "audit.logging.summary.space.created", "Space created", SPACES_, LOCAL, Shape::Space),
    kind(3, "audit.logging.summary.space.removed", "Space deleted", SPACES_, LOCAL, Shape::Space),
    kind(8, "audit.logging.summary.space.config.updated", "Space configuration updated", SPACES_, LOCAL, Shape::Space),
    kind(5, "audit.logging.summary.space.export", "Space exported", SPACES_, LOCAL, Shape::Export),
    kind(15, "audit.logging.summary.scheduled.job.run", "Scheduled job run", ADMIN, GLOBAL, Shape::Job),
];

/// An event of Cloud.
pub struct CloudKind {
    pub weight: u64,
    pub summary: &'static str,
    pub category: &'static str,
    pub shape: CloudShape,
}

/// What a Cloud event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CloudShape {
    Membership,
    Group,
    Profile,
    SpacePermission,
    GlobalPermission,
    Settings,
    Space,
    Search,
}

const fn cloud(
    weight: u64,
    summary: &'static str,
    category: &'static str,
    shape: CloudShape,
) -> CloudKind {
    CloudKind {
        weight,
        summary,
        category,
        shape,
    }
}

#[rustfmt::skip] // a table: one event a line
pub const CLOUD_KINDS: &[CloudKind] = &[
    cloud(18, "User added to group", "Users and groups", CloudShape::Membership),
    cloud(10, "User removed from group", "Users and groups", CloudShape::Membership),
    cloud(4, "Group created", "Users and groups", CloudShape::Group),
    cloud(2, "Group deleted", "Users and groups", CloudShape::Group),
    cloud(6, "User created", "Users and groups", CloudShape::Profile),
    cloud(8, "User details updated", "Users and groups", CloudShape::Profile),
    cloud(1, "User renamed", "Users and groups", CloudShape::Profile),
    cloud(2, "User deactivated", "Users and groups", CloudShape::Profile),
    cloud(2, "User deleted", "Users and groups", CloudShape::Profile),
    cloud(16, "Space permission added", "Permissions", CloudShape::SpacePermission),
    cloud(8, "Space permission removed", "Permissions", CloudShape::SpacePermission),
    cloud(4, "Global permission added", "Permissions", CloudShape::GlobalPermission),
    cloud(2, "Global permission removed", "Permissions", CloudShape::GlobalPermission),
    cloud(6, "Space created", "Spaces", CloudShape::Space),
    cloud(6, "Space configuration updated", "Spaces", CloudShape::Settings),
    cloud(1, "Space logo uploaded", "Spaces", CloudShape::Space),
    cloud(1, "Space owner updated", "Spaces", CloudShape::Settings),
    cloud(1, "Audit Log configuration updated", "Auditing", CloudShape::Settings),
    cloud(4, "Audit Log search performed", "Auditing", CloudShape::Search),
];

/// A Confluence Data Center site.
pub struct System {
    pub weight: u64,
    pub url: &'static str,
    /// How many nodes its cluster has; 0: no cluster, and no `node` in its records.
    pub nodes: u64,
    /// The server's zone, minutes east of UTC.
    pub zone_minutes: u64,
}

pub const SYSTEMS: &[System] = &[
    System {
        weight: 50,
        url: "http://confluence.internal:8090",
        nodes: 0,
        zone_minutes: 0,
    },
    System {
        weight: 30,
        url: "https://confluence.example.com",
        nodes: 4,
        zone_minutes: 0,
    },
    System {
        weight: 12,
        url: "https://wiki.example.org/confluence",
        nodes: 2,
        zone_minutes: 60,
    },
    System {
        weight: 8,
        url: "https://docs.example.co.jp:8443/wiki",
        nodes: 0,
        zone_minutes: 540,
    },
];

/// A setting that changes, and the values it takes.
#[derive(Clone, Copy)]
pub struct Setting {
    pub i18n_key: &'static str,
    pub key: &'static str,
    pub values: &'static [&'static str],
}

pub const SETTINGS: &[Setting] = &[
    Setting {
        i18n_key: "audit.logging.changed.value.site.title",
        key: "Site title",
        values: &[
            "Wiki",
            "Example Wiki",
            "Wissensdatenbank \u{2013} Büro Köln",
            "社内 Wiki",
        ],
    },
    Setting {
        i18n_key: "audit.logging.changed.value.base.url",
        key: "Server base URL",
        values: &[
            "http://confluence.internal:8090",
            "https://confluence.example.com",
        ],
    },
    Setting {
        i18n_key: "audit.logging.changed.value.home.page",
        key: "Home page",
        values: &["Welcome", "Start page", "Accueil", ""],
    },
    Setting {
        i18n_key: "audit.logging.changed.value.attachment.max.size",
        key: "Attachment maximum size",
        values: &["104857600", "10485760", "52428800"],
    },
    Setting {
        i18n_key: "audit.logging.changed.value.allow.remote.api",
        key: "Remote API (XML-RPC & SOAP)",
        values: &["true", "false"],
    },
    Setting {
        i18n_key: "audit.logging.changed.value.custom.html",
        key: "Custom HTML at the end of <head>",
        values: &[
            "<script src=\"/js/banner.js\"></script>\n",
            "<!-- none -->",
            "",
        ],
    },
    Setting {
        i18n_key: "atlassian.audit.event.change.retention",
        key: "Retention period",
        values: &["3 years", "1 year", "6 months"],
    },
];

/// As written, and in ASCII for the username.
pub const FIRST_NAMES: &[(&str, &str)] = &[
    ("Alex", "alex"),
    ("Zoë", "zoe"),
    ("Priya", "priya"),
    ("Jürgen", "juergen"),
    ("Marie", "marie"),
    ("José", "jose"),
    ("Anna", "anna"),
    ("Łukasz", "lukasz"),
    ("Tom", "tom"),
    ("Søren", "soren"),
    ("美咲", "misaki"),
    ("Fatima", "fatima"),
    ("Дмитрий", "dmitri"),
    ("Grace", "grace"),
    ("Liam", "liam"),
    ("Emre", "emre"),
    ("Chloé", "chloe"),
    ("Noah", "noah"),
    ("Ines", "ines"),
    ("Wei", "wei"),
];

pub const LAST_NAMES: &[(&str, &str)] = &[
    ("Resnick", "resnick"),
    ("Müller", "mueller"),
    ("O'Brien", "o-brien"),
    ("Nakamura", "nakamura"),
    ("García", "garcia"),
    ("Smith", "smith"),
    ("Ødegård", "odegard"),
    ("Kowalski", "kowalski"),
    ("Иванова", "ivanova"),
    ("Dupont", "dupont"),
    ("Rossi", "rossi"),
    ("van der Berg", "vandenberg"),
    ("Patel", "patel"),
    ("Çelik", "celik"),
    ("李", "li"),
    ("Jones", "jones"),
    ("Haddad", "haddad"),
    ("Silva", "silva"),
    ("Novák", "novak"),
    ("Brown", "brown_2"),
];

pub const GROUPS: &[&str] = &[
    "confluence-users",
    "confluence-administrators",
    "site-admins",
    "engineering",
    "hr-people-ops",
    "finance: controlling",
    "Entwicklung (München)",
    "external_contractors",
    "営業部",
    "support.tier-2",
];

/// Key and name.
pub const SPACES: &[(&str, &str)] = &[
    ("ENG", "Engineering"),
    ("HR", "People & Culture"),
    ("DOCS", "Product documentation"),
    ("OPS", "Operations"),
    ("~alex.resnick", "Alex Resnick"),
    ("FIN", "Finanzen und Controlling"),
    ("JP", "日本オフィス"),
    ("LEGAL", "Legal \"red tape\" corner"),
];

pub const TITLES: &[&str] = &[
    "Release notes",
    "Runbook: database failover",
    "Onboarding checklist",
    "Sprint 42 retrospective",
    "Überblick der Schnittstellen",
    "設計書 第3章",
    "He said \"ship it\"",
    "Pfade unter C:\\Confluence\\logs",
    "Budget 2026 (draft)",
    "Compte rendu de réunion",
    "API & SDK <beta>",
    "Incident 2025-12-31: login outage ☕",
    "Архитектура сервиса",
    "Team offsite 🏔",
    "Columns\tby\ttab",
    "How to file expenses",
    "Security review of the new payment gateway and its subcontractors in all regions",
];

pub const VERSIONS: &[&str] = &["v1", "v2", "(copy)", "2026", "4.2.1", "- final", "- old"];

pub const QUERIES: &[&str] = &[
    "vpn",
    "expenses",
    "\"annual leave\"",
    "type = page AND space = ENG",
    "C:\\temp",
    "größe",
    "給与",
    "password reset",
    "siteSearch ~ \"failover\" AND lastmodified > now(\"-4w\")",
    "org chart",
];

/// What is done in an organization.
pub struct OrganizationKind {
    pub weight: u64,
    pub action: &'static str,
    /// Type of what it is done to.
    pub context: &'static str,
    pub message: &'static str,
}

const fn organization(
    weight: u64,
    action: &'static str,
    context: &'static str,
    message: &'static str,
) -> OrganizationKind {
    OrganizationKind {
        weight,
        action,
        context,
        message,
    }
}

#[rustfmt::skip]
pub const ORGANIZATION_KINDS: &[OrganizationKind] = &[
    organization(30, "confluence_page_viewed", "page", "Viewed Confluence page"),
    organization(12, "confluence_page_updated", "page", "Updated Confluence page"),
    organization(6, "confluence_page_created", "page", "Created Confluence page"),
    organization(2, "confluence_page_deleted", "page", "Deleted Confluence page"),
    organization(2, "confluence_export_space_finished", "space", "Completed Confluence space export"),
    organization(3, "confluence_added_space_permission", "space", "Added Confluence space permission"),
    organization(2, "confluence_upm_app_install_success", "app", "Installed Confluence app"),
    organization(12, "jira_issue_viewed", "issue", "Viewed Jira issue"),
    organization(14, "user_login", "unit", "Logged in to Atlassian account"),
    organization(2, "user_login_failed", "unit", "Failed to log in to Atlassian account"),
    organization(5, "user_added_to_group", "group", "Added user to group"),
    organization(3, "user_removed_from_group", "group", "Removed user from group"),
    organization(3, "user_granted_product_access", "app", "Granted product access to user"),
    organization(2, "api_token_created", "unit", "Created API token"),
    organization(1, "mobile_app_policy_update", "orgs", "Updated mobile app policy"),
    organization(1, "saml_configuration_updated", "orgs", "Updated SAML configuration"),
];

/// Country, region, city; the organization's API does not know all of them.
pub const PLACES: &[(&str, &str, &str)] = &[
    ("Norway", "Oslo County", "Oslo"),
    ("United Kingdom", "England", "London"),
    ("Germany", "Bavaria", "München"),
    ("United States", "California", "San Francisco"),
    ("Japan", "", "Tokyo"),
    ("Australia", "", ""),
];
