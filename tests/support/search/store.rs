//! What a cluster keeps: documents by id, in the indices behind a name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    DataStream,
    /// The place of the index that takes the writes.
    Alias(usize),
    Index,
}

pub struct Named {
    pub kind: Target,
    pub indices: Vec<Index>,
}

pub struct Index {
    pub name: String,
    pub documents: BTreeMap<String, Value>,
}

impl Index {
    fn new(name: String) -> Self {
        Self {
            name,
            documents: BTreeMap::new(),
        }
    }
}

/// All names of a cluster.
pub struct Store {
    pub names: BTreeMap<String, Named>,
    /// Whether a name that is missing becomes a data stream with its first document.
    pub creates: bool,
    is_opensearch: bool,
}

impl Store {
    pub fn new(is_opensearch: bool) -> Self {
        Self {
            names: BTreeMap::new(),
            creates: true,
            is_opensearch,
        }
    }

    fn backing(&self, name: &str, generation: usize) -> Index {
        Index::new(if self.is_opensearch {
            format!(".ds-{name}-{generation:06}")
        } else {
            format!(".ds-{name}-2026.11.29-{generation:06}")
        })
    }

    pub fn add_stream(&mut self, name: &str) {
        let first = self.backing(name, 1);
        let named = Named {
            kind: Target::DataStream,
            indices: vec![first],
        };
        self.names.insert(name.to_owned(), named);
    }

    pub fn add_alias(&mut self, name: &str, indices: &[&str], writes: usize) {
        let indices = indices.iter().map(|name| Index::new((*name).to_owned()));
        let named = Named {
            kind: Target::Alias(writes),
            indices: indices.collect(),
        };
        self.names.insert(name.to_owned(), named);
    }

    pub fn add_index(&mut self, name: &str) {
        let named = Named {
            kind: Target::Index,
            indices: vec![Index::new(name.to_owned())],
        };
        self.names.insert(name.to_owned(), named);
    }

    /// A new backing index takes the writes.
    pub fn roll_over(&mut self, name: &str) {
        let generation = self.names[name].indices.len() + 1;
        let next = self.backing(name, generation);
        let named = self.names.get_mut(name).expect("a data stream");
        assert_eq!(named.kind, Target::DataStream, "{name} rolls over");
        named.indices.push(next);
    }

    /// The index that takes the writes to a name; none if there is none.
    pub fn writing(&mut self, name: &str) -> Option<&mut Index> {
        if !self.names.contains_key(name) {
            if !self.creates {
                return None;
            }
            self.add_stream(name);
        }
        let named = self.names.get_mut(name)?;
        match named.kind {
            Target::Alias(place) => named.indices.get_mut(place),
            Target::DataStream | Target::Index => named.indices.last_mut(),
        }
    }

    /// An index by its own name, not by that of a data stream or alias.
    pub fn concrete(&mut self, name: &str) -> Option<&mut Index> {
        let all = self.names.values_mut();
        let mut all = all.flat_map(|named| &mut named.indices);
        all.find(|index| index.name == name)
    }

    /// The answer to `GET _resolve/index/NAME`.
    pub fn resolve(&self, name: &str) -> Option<Value> {
        let (mut indices, mut aliases, mut streams) = (json!([]), json!([]), json!([]));
        let Some(named) = self.names.get(name) else {
            return self
                .is_opensearch
                .then(|| json!({"indices": indices, "aliases": aliases, "data_streams": streams}));
        };
        let names: Vec<_> = named.indices.iter().map(|index| &index.name).collect();
        match named.kind {
            Target::DataStream => {
                streams = json!([
                    {"name": name, "backing_indices": names, "timestamp_field": "@timestamp"}
                ]);
            }
            Target::Alias(_) => {
                // A single name comes without its list.
                let names = match names.as_slice() {
                    [one] => json!(one),
                    many => json!(many),
                };
                aliases = json!([{"name": name, "indices": names}]);
            }
            Target::Index => indices = json!([{"name": name, "attributes": ["open"]}]),
        }
        Some(json!({"indices": indices, "aliases": aliases, "data_streams": streams}))
    }
}
