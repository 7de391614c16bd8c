//! Who is asked: several addresses, other servers, redirects.

use insta::assert_snapshot;

use super::world::{KINDS, Sending, said};
use crate::support::binary::wait_until;
use crate::support::outcome::outcome;
use crate::support::place::finish;
use crate::support::search::{Answer, Fault, For, Kind, Search};

#[test]
fn the_second_address_takes_over_and_the_first_comes_back() {
    let (first, second) = (
        Search::new(Kind::Elasticsearch),
        Search::new(Kind::Elasticsearch),
    );
    let mut sending = Sending::to(&[&first.url(), &second.url()]);
    let arrived = |search: &Search| Sending::arrived(search).len();
    sending.append(5);
    let follower = sending.start();
    wait_until("the first", || arrived(&first) == 5);
    first.always(For::Any, Fault::Close);
    sending.append(5);
    wait_until("the second", || arrived(&second) == 5);
    first.mend();
    // Each event is sent by itself, until the first is asked again.
    let mut sent = 10;
    wait_until("the first again", || {
        sending.append(1);
        sent += 1;
        wait_until("the event", || arrived(&first) + arrived(&second) == sent);
        arrived(&first) > 5
    });
    follower.terminate();
}

#[test]
fn nothing_answers_at_the_first_address() {
    let search = Search::new(Kind::OpenSearch2);
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let mut sending = Sending::to(&[&closed, &search.url()]);
    sending.append(5);
    let output = sending.once();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&outcome(&output)));
}

#[test]
fn a_product_is_recognized_whatever_its_root_answers() {
    for status in [200, 403, 405] {
        for kind in KINDS {
            // OpenSearch 2 says who it is in the body alone.
            if kind == Kind::OpenSearch2 && status != 200 {
                continue;
            }
            let search = Search::new(kind);
            search.world().root_status = status;
            let mut sending = Sending::to(&[&search.url()]);
            sending.append(2);
            sending.once();
            sending.each_is_once_in(&search);
        }
    }
}

#[test]
fn another_server_is_no_cluster() {
    let page = || Answer::new(200, "text/html", "<html>Welcome to nginx!</html>");
    let version = |number: &str| serde_json::json!({"version": {"number": number}});
    let old = serde_json::json!({"version": {"number": "1.3.0", "distribution": "opensearch"}});
    let answers = [
        page().with("Server", "nginx"),
        Answer::new(404, "text/plain", "404 page not found"),
        Answer::json(200, &version("7.10.2")),
        Answer::json(200, &old),
        Answer::json(200, &version("9.9.9")),
    ];
    let mut all = String::new();
    for answer in answers {
        // One that is asked like this must be no cluster: no header of a product.
        let search = Search::new(Kind::OpenSearch2);
        search.always(For::Any, Fault::Answer(answer.clone()));
        let other = Search::new(Kind::OpenSearch2);
        other.always(For::Any, Fault::Answer(answer));
        for urls in [vec![search.url()], vec![search.url(), other.url()]] {
            let urls: Vec<_> = urls.iter().map(String::as_str).collect();
            let mut sending = Sending::to(&urls);
            sending.append(1);
            let output = finish(sending.tail(&["--once"]));
            all += &said(&outcome(&output));
        }
    }
    // A path below a node's own address; its name is in each answer.
    let missing = Search::new(Kind::OpenSearch3);
    let answer = Answer::error(405, "method_not_allowed", "GET")
        .with("X-OpenSearch-Version", "OpenSearch/3.8.0 (opensearch)");
    missing.always(For::Any, Fault::Answer(answer));
    let mut sending = Sending::to(&[&format!("{}/_bulk", missing.url())]);
    sending.append(1);
    all += &said(&outcome(&finish(sending.tail(&["--once"]))));
    let old = Search::new(Kind::Elasticsearch);
    old.world().version = "7.17.29";
    let mut sending = Sending::to(&[&old.url()]);
    sending.append(1);
    all += &said(&outcome(&finish(sending.tail(&["--once"]))));
    assert_snapshot!(all);
}

#[test]
fn a_proxys_page_at_the_start_is_waited_for_while_it_says_that_nobody_is_there() {
    let search = Search::new(Kind::OpenSearch3);
    for status in [502, 503, 504] {
        let page = Answer::new(status, "text/html", "<html>Bad Gateway</html>");
        search.fault(For::Root, 1, Fault::Answer(page));
    }
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(5);
    sending.once();
    sending.each_is_once_in(&search);
}

#[test]
fn credentials_do_not_follow_a_redirect() {
    let search = Search::new(Kind::Elasticsearch);
    let foreign = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(5);
    for requests in [For::Resolve, For::Bulk] {
        for status in [301, 307, 308] {
            let answer = Answer::new(status, "text/html", "");
            let answer = answer.with("Location", &format!("{}/x/_bulk", foreign.url()));
            search.fault(requests, 1, Fault::Answer(answer));
        }
    }
    let mut command = sending.tail(&["--once"]);
    command.env("CONFLUENCE_ECS_ES_API_KEY", "key:secret");
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", said(&outcome(&output)));
    sending.each_is_once_in(&search);
    assert_eq!(foreign.world().paths(), Vec::<String>::new());
    assert_snapshot!(said(&outcome(&output)));
}

/// A redirect to that server.
fn redirect(to: &Search) -> Answer {
    let answer = Answer::new(302, "text/html", "");
    answer.with("Location", &format!("{}/login", to.url()))
}

#[test]
fn what_waiting_does_not_mend_ends_the_run_at_the_start() {
    let foreign = Search::new(Kind::Elasticsearch);
    let around = Answer::new(302, "text/html", "").with("Location", "/");
    let mut all = String::new();
    for answer in [redirect(&foreign), around] {
        let search = Search::new(Kind::Elasticsearch);
        search.always(For::Root, Fault::Answer(answer));
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(1);
        all += &said(&outcome(&finish(sending.tail(&[]))));
        let (log, bulk) = (sending.place.path("audit.log"), sending.bulk_file());
        for (command, file) in [("normalize", log), ("send", bulk)] {
            all += &said(&outcome(&sending.run_to(&search, command, &file)));
        }
        assert_eq!(search.world().count(For::Bulk), 0);
    }
    assert_eq!(foreign.world().paths(), Vec::<String>::new());
    assert_snapshot!(all);
}

#[test]
fn one_address_that_is_a_cluster_is_enough_at_the_start() {
    let foreign = Search::new(Kind::Elasticsearch);
    let (first, second) = (
        Search::new(Kind::OpenSearch3),
        Search::new(Kind::OpenSearch3),
    );
    first.always(For::Any, Fault::Answer(redirect(&foreign)));
    let mut sending = Sending::to(&[&first.url(), &second.url()]);
    sending.append(5);
    sending.once();
    sending.each_is_once_in(&second);
}

#[test]
fn in_the_middle_of_a_run_another_server_is_waited_for() {
    let foreign = Search::new(Kind::Elasticsearch);
    let page = Answer::new(200, "text/html", "<html>Welcome to nginx!</html>");
    for answer in [redirect(&foreign), page] {
        let search = Search::new(Kind::OpenSearch3);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(5);
        let follower = sending.start();
        sending.wait_for(&search);
        search.always(For::Any, Fault::Answer(answer));
        let before = search.world().count(For::Root);
        sending.append(5);
        search.wait("some attempts", |world| world.count(For::Root) > before + 1);
        search.mend();
        sending.wait_for(&search);
        follower.terminate();
        sending.each_is_once_in(&search);
        let words = sending.place.said();
        assert!(
            words.contains("waiting for the cluster, nothing is lost"),
            "{words}"
        );
    }
    assert_eq!(foreign.world().paths(), Vec::<String>::new());
}

#[test]
fn an_address_that_accepts_and_never_answers_is_left_for_the_next_one() {
    let (first, second) = (
        Search::new(Kind::Elasticsearch),
        Search::new(Kind::Elasticsearch),
    );
    first.always(For::Any, Fault::Hang);
    let mut sending = Sending::to(&[&first.url(), &second.url()]);
    sending.append(5);
    let output = sending.once();
    sending.each_is_once_in(&second);
    assert_eq!(first.world().paths(), ["GET /"]);
    assert_snapshot!(said(&outcome(&output)));
}

#[test]
fn an_address_that_begins_to_hang_is_left_for_the_next_one() {
    let (first, second) = (
        Search::new(Kind::Elasticsearch),
        Search::new(Kind::Elasticsearch),
    );
    let mut sending = Sending::to(&[&first.url(), &second.url()]);
    let arrived = |search: &Search| Sending::arrived(search).len();
    sending.append(5);
    let follower = sending.start();
    wait_until("the first", || arrived(&first) == 5);
    first.fault(For::Bulk, 1, Fault::Close);
    first.always(For::Root, Fault::Hang);
    let roots = first.world().count(For::Root);
    // Each event is sent by itself, until the first is asked again.
    let mut sent = 5;
    wait_until("the first is asked who it is", || {
        sending.append(1);
        sent += 1;
        wait_until("the event", || arrived(&first) + arrived(&second) == sent);
        first.world().count(For::Root) > roots
    });
    // It is not asked soon again.
    for _ in 0..20 {
        sending.append(1);
        sent += 1;
        wait_until("the event", || arrived(&first) + arrived(&second) == sent);
    }
    assert_eq!(first.world().count(For::Root), roots + 1);
    assert_eq!(arrived(&first), 5);
    follower.terminate();
}
