//! The index template on each product.

use super::node::{Elasticsearch8, Elasticsearch9, Kind, Node, OpenSearch2, OpenSearch3};

fn takes_the_template(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else { return };
    let (status, health) = node.get("_cluster/health");
    assert_eq!(status, 200, "{health}");
}

#[test]
fn elasticsearch_9_takes_the_template() {
    takes_the_template(Elasticsearch9);
}

#[test]
fn elasticsearch_8_takes_the_template() {
    takes_the_template(Elasticsearch8);
}

#[test]
fn opensearch_3_takes_the_template() {
    takes_the_template(OpenSearch3);
}

#[test]
fn opensearch_2_takes_the_template() {
    takes_the_template(OpenSearch2);
}
