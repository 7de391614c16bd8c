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
    for requests in [For::Root, For::Resolve, For::Bulk] {
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
