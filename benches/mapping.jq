# The mapping as jq 1.6 can do it: what people use today, to compare speed and results with.
#     jq -c -R -f benches/mapping.jq audit.log
# Not here: GeoIP, log.*, --network, exact numbers (jq holds doubles), byte positions of errors, records of a page as
# slices of their line, Elastic's timestamps. Section numbers are those of the mapping.

def scalar: if type == "object" or type == "array" then null else . end;
def at($key): if type == "object" then .[$key] else null end;
def field($key): at($key) | scalar;
def list($key): at($key) | if type == "array" then . else null end;
def text: if type == "string" and . != "" then . else null end;
# jq 1.6's $ stands before a last newline too
def username: if type == "string" then (capture("\\?username=(?<name>[A-Za-z0-9._-]+)\\z") | .name) // null else null end;

# ---- §1, §3, §4: the time, in milliseconds ----
def pad3: tostring | "000"[length:] + .;
# jq 1.6 dies of a year with many digits
def iso_millis: floor as $ms | (if $ms > 253402300799999 or $ms < -62135596800000 then error("time: not a year of four digits") else . end) | (($ms / 1000) | floor) as $s
  | ($s | strftime("%Y-%m-%dT%H:%M:%S")) + "." + ($ms - $s * 1000 | pad3) + "Z";
def whole: if type == "number" and . == floor then . else error("time: not a whole number") end;
def offset_seconds: if . == null or . == "Z" then 0
  else (.[1:3] | tonumber) * 3600 + (.[3:] | ltrimstr(":") | if . == "" then 0 else tonumber * 60 end) end;
def file_millis: (.epochSecond | whole) * 1000 + (((.nano // 0) | whole) / 1000000 | floor);
def api_millis:
  if test("^[0-9]+(\\.[0-9]*)?\\z") then
    capture("^(?<s>[0-9]+)(\\.(?<f>[0-9]*))?\\z")
    | (.s | tonumber) * 1000 + ((.f // "") + "000" | .[0:3] | tonumber)
  else
    (capture("^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(:(?<s>[0-9]{2})([.,](?<f>[0-9]{1,9}))?)?(?<zone>Z|[+-][0-9]{2}(:?[0-9]{2})?)?\\z")
      // error("time: not ISO 8601"))
    | (.date + ":" + (.s // "00") + "Z") as $utc
    | ($utc | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime) as $s
    # a date that is none, such as the 30th of February, comes back as another
    | if ($s | todate) != $utc then error("time: no such date") else . end
    | (if .zone != null and .zone[0:1] == "-" then -1 else 1 end) as $sign
    | ($s - $sign * (.zone | offset_seconds)) * 1000 + ((.f // "") + "000" | .[0:3] | tonumber)
  end;
def cloud_millis: if type == "number" then floor
  elif type == "string" and test("^[0-9]+\\z") then tonumber else error("creationDate: not epoch milliseconds") end;

def dialect:
  if has("creationDate") then "cloud"
  elif has("auditType") or (.timestamp | type) == "object" then "dc-file"
  elif (.timestamp | type) == "string" then "dc-api"
  else error("no time") end;

# ---- §3: the host of `system`, as java.net.URI parses it, nearly ----
def server_host:
  (capture("^(?<userinfo>[^@]*@)?(?<host>\\[[0-9A-Fa-f:.]+\\]|(0*(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(?![:]|\\z)|(?=:|\\z))){4}|([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?\\.?)(:[0-9]{0,9})?\\z") | .host)
  // null;
def no_uri: test("[ <>{}|\\\\^`\"\\x00-\\x1f\\x7f]|%(?![0-9A-Fa-f]{2})");
def uri_host:
  if type != "string" then null
  elif no_uri then
    (capture("^(?i:https?|ftp)://([^/?#]*@)?(?<host>[^:/?#]+)") | .host) // null
  else ((capture("^([A-Za-z][A-Za-z0-9+.-]*:)?//(?<authority>[^/?#]+)") | .authority) // null)
    | if . == null then null else server_host end
  end;

# ---- §5: addresses ----
def ipv4: test("^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\\.(?!\\z)|\\z)){4}\\z");
def ipv6:
  test("^[0-9A-Fa-f:]+(:[0-9.]+)?\\z") and contains(":") and (test(":::") | not) and
  ( (if contains(".") then (split(":") | last | ipv4) else true end)
    and (if contains(".") then (split(":")[:-1] + ["0", "0"] | join(":")) else . end
      | (split("::") | length) as $gaps
      | [splits(":") | select(. != "")] as $groups
      | ($groups | all(test("^[0-9A-Fa-f]{1,4}\\z")))
        and (if $gaps == 1 then ($groups | length) == 8 and (test("^:|:\\z") | not)
             elif $gaps == 2 then ($groups | length) <= 7 and (test("^:[^:]|[^:]:\\z") | not)
             else false end)));
def ip: ipv4 or ipv6;
# private, loopback and link-local: the proxies that are trusted by default
def trusted:
  if ipv4 then test("^(10|127)\\.|^169\\.254\\.|^192\\.168\\.|^172\\.(1[6-9]|2[0-9]|3[01])\\.")
  else ascii_downcase | test("^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:|^(0{0,4}:)*:?0{0,3}1\\z") end;
def bare:
  gsub("^\\s+|\\s+\\z"; "")
  | ((capture("^\\[(?<ip>[^\\]]*)\\](:[0-9]{1,5})?\\z") | .ip)
     // (capture("^(?<ip>[0-9.]+):[0-9]{1,5}\\z") | .ip)
     // .);
def addresses:
  if type != "string" then []
  elif ip then [.]
  else [split(",")[] | bare | select(ip)]
    | if length == 0 then . else
        ((reverse | map(select(trusted | not)) | first) // first) as $client
        | reduce ([$client] + .)[] as $ip ([]; if index([$ip]) then . else . + [$ip] end)
      end
  end;

# ---- §6: category, type, outcome ----
# constants only: jq then builds the object once, not for every record
def actions: {
  "Global permission added": {"category": ["iam", "configuration"], "type": ["creation"]},
  "audit.logging.summary.global.permission.added": {"category": ["iam", "configuration"], "type": ["creation"]},
  "audit.logging.summary.space.permission.added": {"category": ["iam", "configuration"], "type": ["creation"]},
  "Global permission removed": {"category": ["iam", "configuration"], "type": ["deletion"]},
  "User created": {"category": ["iam"], "type": ["user", "creation"]},
  "audit.logging.summary.user.created": {"category": ["iam"], "type": ["user", "creation"]},
  "User renamed": {"category": ["iam"], "type": ["user", "change"]},
  "audit.logging.summary.user.renamed": {"category": ["iam"], "type": ["user", "change"]},
  "User details updated": {"category": ["iam"], "type": ["user", "change"]},
  "audit.logging.summary.user.updated": {"category": ["iam"], "type": ["user", "change"]},
  "audit.logging.summary.user.password.changed": {"category": ["iam"], "type": ["user", "change"], "outcome": "success"},
  "User deleted": {"category": ["iam"], "type": ["user", "deletion"]},
  "audit.logging.summary.user.deleted": {"category": ["iam"], "type": ["user", "deletion"]},
  "User added to group": {"category": ["iam"], "type": ["group", "change"]},
  "audit.logging.summary.group.membership.added": {"category": ["iam"], "type": ["group", "change"]},
  "User removed from group": {"category": ["iam"], "type": ["group", "change"]},
  "audit.logging.summary.group.membership.removed": {"category": ["iam"], "type": ["group", "change"]},
  "Group created": {"category": ["iam"], "type": ["group", "creation"]},
  "audit.logging.summary.group.created": {"category": ["iam"], "type": ["group", "creation"]},
  "Group deleted": {"category": ["iam"], "type": ["group", "deletion"]},
  "audit.logging.summary.group.deleted": {"category": ["iam"], "type": ["group", "deletion"]},
  "Audit Log configuration updated": {"category": ["configuration"], "type": ["change"]},
  "atlassian.audit.event.action.audit.config.updated": {"category": ["configuration"], "type": ["change"]},
  "audit.logging.summary.global.settings.edited": {"category": ["configuration"], "type": ["change"]},
  "audit.logging.summary.space.config.updated": {"category": ["configuration"], "type": ["change"]},
  "personal.access.tokens.audit.log.summary.token.created": {"category": ["iam"], "type": ["admin", "creation"]},
  "personal.access.tokens.audit.log.summary.token.deleted": {"category": ["iam"], "type": ["admin", "deletion"]},
  "audit.logging.summary.login.success": {"category": ["authentication"], "type": ["start"], "outcome": "success"},
  "audit.logging.summary.login.failed": {"category": ["authentication"], "type": ["info"], "outcome": "failure"},
  "audit.logging.summary.user.logout": {"category": ["authentication"], "type": ["end"]},
  "audit.logging.summary.sudo.logout": {"category": ["authentication"], "type": ["end"]},
  "audit.logging.summary.sudo.auth.successful": {"category": ["authentication"], "type": ["start"]},
  "audit.logging.summary.space.created": {"category": ["configuration"], "type": ["creation"]},
  "audit.logging.summary.page.created": {"category": ["configuration"], "type": ["creation"]},
  "audit.logging.summary.space.removed": {"category": ["configuration"], "type": ["deletion"]},
  "audit.logging.summary.page.deleted": {"category": ["configuration"], "type": ["deletion"]}
};

# ---- §7: users and groups ----
# What an action does to them, by the last words of its key.
def deed:
  {
    "User created": "created", "audit.logging.summary.user.created": "created",
    "User details updated": "updated", "audit.logging.summary.user.updated": "updated",
    "User deleted": "deleted", "audit.logging.summary.user.deleted": "deleted",
    "audit.logging.summary.user.password.changed": "password",
    "User renamed": "renamed", "audit.logging.summary.user.renamed": "renamed",
    "User added to group": "membership", "audit.logging.summary.group.membership.added": "membership",
    "User removed from group": "membership", "audit.logging.summary.group.membership.removed": "membership",
    "Group created": "group", "audit.logging.summary.group.created": "group",
    "Group deleted": "group", "audit.logging.summary.group.deleted": "group",
    "audit.logging.summary.login.success": "login", "audit.logging.summary.login.failed": "login"
  }[.];
def split_group($cloud):
  {name: field("name"), id: field("id")} as $as_is
  | if $cloud and ($as_is.name | type) == "string" then
      ($as_is.name | capture("^(?<name>.*):(?<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\\z")) // $as_is
    else $as_is end;
def affected($deed; $cloud; $object):
  ($object | field("name")) as $name | ($object | field("id")) as $id
  | if $object.type == "Group" then
      ($object | split_group($cloud)) as $group
      | if $deed == "group" then .group.name = $group.name | .group.id = $group.id
        elif $deed == "membership" then .user.target.group.name = $group.name | .user.target.group.id = $group.id
        else . end
    elif $object.type == "User" then
      ($object.uri | username) as $username
      | if $deed == "created" or $deed == "updated" or $deed == "deleted" or $deed == "password" then
          .user.target.full_name = $name | .user.target.id = $id
          | if $username != null then .user.target.name = $username else . end
        elif $deed == "membership" then .user.target.name = $name | .user.target.id = $id
        elif $deed == "login" then .user.full_name = $name | .user.id = $id
          | if $username != null then .user.name = $username else . end
        else . end
    else . end;
def changed($deed; $value):
  ($value | field("from")) as $from | ($value | field("to")) as $to
  | if $deed == "renamed" and $value.i18nKey == "audit.logging.changed.value.username" then
      .user.changes.name = $to | .user.target.name = $from
    elif $deed == "created" or $deed == "updated" then
      ($value.i18nKey | if type == "string"
        then {"Username": "name", "Email": "email", "Display name": "full_name"}[.] else null end) as $field
      | if $field == null then . else
          .user.changes[$field] = $to
          | .user.target[$field] = (if $from != null then $from else $to end)
        end
    else . end;
def users($cloud):
  if (.event.action != null) and
     ((.confluence.audit.type.categoryI18nKey | . == "audit.logging.category.user.management" or . == "audit.logging.category.auth")
      or .confluence.audit.type.category == "Users and groups") then
    (.event.action | if type == "string" then deed else null end) as $deed
    | reduce ((.confluence.audit.affected_objects // [])[] | select(type == "object")) as $object
        (.; affected($deed; $cloud; $object))
    | reduce ((.confluence.audit.changed_values // [])[] | select(type == "object")) as $value
        (.; changed($deed; $value))
  else . end
  | .related.user = (reduce (.user.name, .user.target.name, .user.changes.name
      | select(. != null and . != "") | tostring) as $name ([]; if index([$name]) then . else . + [$name] end));

# ---- §8: clean-up, from the leaves ----
def empty_value: . == null or . == "" or . == {} or . == [];
def clean:
  if type == "object" then
    . as $object | reduce keys_unsorted[] as $key ({};
      ($object[$key] | clean) as $value | if $value | empty_value then . else .[$key] = $value end)
  elif type == "array" then map(clean | select(empty_value | not))
  else . end;

# ---- §3 and §4: the two mappings ----
def data_center:
  (at("auditType") | if type == "object" then . else null end) as $file_type
  | ($file_type // (at("type") | if type == "object" then . else null end)) as $type
  | {
      source: {address: field("source")},
      user: {id: (.author | field("id")), full_name: (.author | field("name")), name: (.author | field("uri") | username)},
      service: {address: field("system")},
      confluence: {audit: {
        type: $type, method: field("method"), extra_attributes: list("extraAttributes"),
        changed_values: list("changedValues"), affected_objects: list("affectedObjects")}},
      related: {hosts: [field("system") | uri_host | select(. != null)]},
      event: {action: ($type | field("actionI18nKey") | if . == "" then null else . end)}
    };
def renamed($from; $to): if .[$from] == null then . else .[$from] as $value | del(.[$from]) | .[$to] = $value end;
def cloud_object: if type == "object" then renamed("objectType"; "type") else . end;
def cloud_value:
  if type == "object" then
    (if .name == null then . else .i18nKey = .name | .key = .name | del(.name) end)
    | renamed("newValue"; "to") | renamed("oldValue"; "from")
  else . end;
def cloud:
  .affectedObject as $affected
  | (list("associatedObjects") // []) as $associated
  | {
      source: {address: field("remoteAddress")},
      user: {id: (.author | field("accountId")), full_name: (.author | field("displayName"))},
      confluence: {audit: {
        external_collaborator: (.author | field("externalCollaborator")),
        type: {category: field("category"), action: field("summary")},
        affected_objects: (
          (if ($affected | type) != "object" or ($associated | any(. == $affected)) then $associated
           else $associated + [$affected] end) | map(cloud_object)),
        changed_values: ((list("changedValues") // []) | map(cloud_value))}},
      event: {action: (field("summary") | if . == "" then null else . end)}
    };

# ---- §2, §9, §10 ----
def envelope:
  {"@timestamp": null, ecs: {version: "8.11.0"}, input: {type: "stdin"},
   data_stream: {type: "logs", dataset: "atlassian_confluence.audit", namespace: "default"},
   event: {dataset: "atlassian_confluence.audit"}, tags: ["preserve_original_event", "confluence-audit"]};
def mapped($original):
  (if type == "object" then . else error("not an object") end)
  | dialect as $dialect
  | (if $dialect == "cloud" then .creationDate | cloud_millis
     elif (.timestamp | type) == "object" then .timestamp | file_millis
     elif (.timestamp | type) == "string" then .timestamp | api_millis
     else error("no time") end | iso_millis) as $time
  | (if $dialect == "cloud" then cloud else data_center end)
  | (.source.address | addresses) as $addresses
  | .source.ip = $addresses[0] | .related.ip = $addresses
  | ((.event.action | text) as $action | if $action == null then null else actions[$action] end) as $row
  | .event.category = $row.category | .event.type = ($row.type // ["info"]) | .event.outcome = $row.outcome
  | users($dialect == "cloud")
  | clean
  | envelope * .
  | .["@timestamp"] = $time | .event.kind = "event" | .event.original = $original;
def failed($original; $why):
  envelope * {"@timestamp": (now * 1000 | iso_millis), event: {kind: "pipeline_error", original: $original}, error: {message: $why}};
def records($line):
  if type == "array" then .[] | [., tojson]
  elif type == "object" and (.results | type) == "array" then .results[] | [., tojson]
  elif type == "object" and (.entities | type) == "array" then .entities[] | [., tojson]
  else [., $line] end;

rtrimstr("\r") | ltrimstr("\ufeff") as $line
| $line | select(test("[^ \\t]"))
| try (fromjson | [records($line)]) catch [[{"not json": .}, $line]]
| .[] as [$record, $original]
| if ($record | type) == "object" and ($record | has("not json")) then failed($original; $record["not json"])
  else $record | try mapped($original) catch failed($original; .) end
